import logging

from apps.core.requests import current_request_id


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id.get()
        return True


class ExceptionFilter(logging.Filter):
    """Lets through only what comes with an exception."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)
