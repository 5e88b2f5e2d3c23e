from django.middleware.http import ConditionalGetMiddleware
from rest_framework.response import Response


class ConditionalMiddleware(ConditionalGetMiddleware):
    """304 to a GET of the API whose answer the client has already.

    Not by an object's ETag, which is its version: what is counted in it changes without that.
    """

    def process_response(self, request, response):
        if isinstance(response, Response) and response.status_code == 200 and not response.has_header("ETag"):
            return super().process_response(request, response)
        return response
