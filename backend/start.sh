#!/bin/sh
# Starts the back end in its container.
set -eu
python manage.py prepare_database
python manage.py publish_static build/static
exec gunicorn thinkring.wsgi
