"""A server that may be away: who found it so spares the others the wait (https://martinfowler.com/bliki/CircuitBreaker.html)."""

import logging
import time

logger = logging.getLogger(__name__)

# Seconds for which nobody of a process asks a server that has not answered.
PAUSE = 5.0


class Breaker:
    """Open while the server is not to be asked. Of the process, for all its threads."""

    def __init__(self, server: str, instead: str):
        """What the log calls the server, and what is done in its place."""
        self.server, self.instead = server, instead
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    def failed(self, error: Exception) -> None:
        if not self._open_until:
            logger.warning("%s does not answer (%s); %s", self.server, str(error).strip(), self.instead)
        self._open_until = time.monotonic() + PAUSE

    def answered(self) -> None:
        if self._open_until:
            self._open_until = 0.0
            logger.info("%s answers again", self.server)
