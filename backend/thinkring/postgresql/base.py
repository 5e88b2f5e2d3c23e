"""Django's PostgreSQL, with an end to waiting for a server that has frozen, and less work for each request."""

import select
from functools import partial

from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError, errors
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader

# Seconds; longer than the statement_timeout in gunicorn.conf.py, which leaves the connection usable.
SILENCE = 25


class Cursor(base.ServerBindingCursor):
    connection: Connection
    # What looks for words in texts.
    SEARCHES = ("STRPOS(", "thinking_bigrams(")

    def execute(self, query, params=None, *, prepare=None, binary=None):
        """Prepares what is asked often, but for searches: one plan for all words is wrong for most, and folds the word
        anew for each row."""
        if isinstance(query, str) and any(function in query for function in self.SEARCHES):
            prepare = False
        ask = partial(super().execute, query, params, prepare=prepare, binary=binary)  # type: ignore[misc]
        begins = self.connection.info.transaction_status == TransactionStatus.IDLE
        try:
            return ask()
        except errors.FeatureNotSupported as error:
            # A migration has changed the type of a column since it was prepared.
            if not begins:
                raise OperationalError("a column has another type now; ask again") from error
            self.connection.rollback()
            super().execute("DEALLOCATE ALL", prepare=False)  # type: ignore[misc]
            return ask()


class DatabaseWrapper(base.DatabaseWrapper):
    """Where the server is told to limit statements, waiting for it is limited too."""

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection({**conn_params, "cursor_factory": Cursor})
        if b"statement_timeout" in connection.pgconn.options:
            connection.wait = partial(connection.wait, timeout=SILENCE)
        # psycopg's own, in C; Django's is in Python, and can put any time zone in the place of the connection's.
        connection.adapters.register_loader("timestamptz", TimestamptzLoader)
        return connection

    def create_cursor(self, name=None):
        """As Django's, but for the look at its own loader of times: the connection's zone is UTC, as all is here."""
        if name:
            return self.connection.cursor(name, scrollable=False, withhold=self.connection.autocommit)
        return self.connection.cursor()

    def is_usable(self):
        """Whether the connection can be used further, without a question to the server.

        The server says little unasked, but that it ends. One that has gone silent is noticed by the next statement, as
        it would be by a question.
        """
        if self.errors_occurred:
            # What is prepared goes with the connection: a migration may have made it invalid.
            return False
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.INTRANS):
            # It is answering something that was given up, or would refuse a question too.
            return False
        socket = select.poll()
        socket.register(self.connection.pgconn.socket, select.POLLIN)
        return not socket.poll(0)
