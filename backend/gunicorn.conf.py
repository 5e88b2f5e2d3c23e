"""How gunicorn serves Django in the container; read by itself from the folder it starts in."""

import gc
import os
import time

from django.conf import settings
from gunicorn import glogging, util

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "thinkring.settings")

bind = "0.0.0.0:8000"
# By default two, for the two cores that a small server has.
workers = settings.WEB_CONCURRENCY
# Only workers with threads keep connections to nginx open.
worker_class = "gthread"
threads = 4
# Longer than nginx's 60 seconds, so that it is nginx who closes an idle connection.
keepalive = 75
# Whatever nginx lets through (32 kB and 1,000 header fields, and a few of its own), so that the answer to more is
# nginx's. 0 is no limit for the line; for a field it would be gunicorn's default of 8 kB.
limit_request_line = 0
limit_request_field_size = 65_536
limit_request_fields = 1100
# Shorter than nginx's 75 seconds.
timeout = 60
# With the pause in on_exit shorter than the stop_grace_period of docker-compose.prod.yml.
graceful_timeout = 20
# The heartbeat of the workers; a file on a disk can block.
worker_tmp_dir = "/dev/shm"  # noqa: S108
# The code is read once, its memory is shared, and what the settings refuse is refused before any worker starts.
preload_app = True
# A statement that waits for a lock or takes too long (milliseconds) ends as an error and frees its thread; without it
# one locked table takes all eight. Only here: manage.py, and with it a migration, takes the time that it needs.
# And no plan is compiled (jit): for a search of a few milliseconds that took PostgreSQL more than a hundred.
raw_env = ["PGOPTIONS=-c lock_timeout=5000 -c statement_timeout=20000 -c jit=off"]
if settings.PGBOUNCER_HOST:
    # Here, so that what start.sh runs before and every manage.py ask the server itself. Each transaction may be over
    # another connection to it, which knows nothing of what was prepared or left open before; PGOPTIONS does not come
    # through, and ops/pgbouncer/start.sh says the same.
    through = settings.DATABASES["default"]
    through |= {"HOST": settings.PGBOUNCER_HOST, "PORT": 6432, "DISABLE_SERVER_SIDE_CURSORS": True}
    through["OPTIONS"] |= {"prepare_threshold": None, "sslmode": "disable"}
# Nothing in the container uses it, and its home is read-only.
control_socket_disable = True
# Through Django's handler, as JSON like every other line.
logconfig_dict = {"loggers": {"gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True}}}


class Logger(glogging.Logger):
    """With logconfig_dict gunicorn would make a line of each request, whoever throws it away."""

    def access(self, resp, req, environ, request_time):
        pass


logger_class = Logger


def write_error(client, status, reason, message, own=util.write_error):
    """What gunicorn cannot read never comes to Django, and its own answer is a page: nginx says it as the API does."""
    if status >= 500:
        return own(client, status, reason, message)
    head = "HTTP/1.1 400 Bad Request", "Connection: close", "Content-Length: 0", "X-Accel-Redirect: /.unreadable"
    return util.write_nonblock(client, "\r\n".join([*head, "", ""]).encode())


util.write_error = write_error


def pre_fork(server, worker):
    """What is loaded stays; the collector need not look through it again, nor so write to the memory that is shared."""
    gc.freeze()


def when_ready(server):
    """Serves METRICS_PORT, from here and once: the workers are not there yet, and no thread goes over to them."""
    if settings.METRICS_PORT:
        from apps.core import metrics

        metrics.serve(settings.METRICS_PORT, server.WORKERS)


def child_exit(server, worker):
    if settings.METRICS_PORT:
        from apps.core import metrics

        metrics.forget(worker.pid)


def on_exit(server):
    """Keeps the address alive after the listener is closed, until nginx has forgotten it.

    An address that refuses sends nginx to the next backend at once; one that is gone is only found out by waiting.
    """
    time.sleep(4)
