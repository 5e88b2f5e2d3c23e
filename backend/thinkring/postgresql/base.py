"""Django's PostgreSQL, with an end to waiting for a server that has frozen: that one keeps no limit of its own."""

from functools import partial

from django.db.backends.postgresql import base

# Seconds; longer than the statement_timeout in gunicorn.conf.py, which leaves the connection usable.
SILENCE = 25


class DatabaseWrapper(base.DatabaseWrapper):
    """Where the server is told to limit statements, waiting for it is limited too."""

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        if b"statement_timeout" in connection.pgconn.options:
            connection.wait = partial(connection.wait, timeout=SILENCE)
        return connection
