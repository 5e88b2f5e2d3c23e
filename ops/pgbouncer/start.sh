#!/bin/sh
# Starts PgBouncer in its container, in transaction mode, for the one database and the one user of the installation.
set -eu

# quoted MARK TEXT: between two marks, with each that is in it twice.
quoted() { printf '%s%s%s' "$1" "$(printf '%s' "$2" | sed "s/$1/$1$1/g")" "$1"; }

umask 077
printf '%s %s\n' "$(quoted '"' "$DB_USER")" "$(quoted '"' "$DB_PASSWORD")" >/tmp/users
cat >/tmp/pgbouncer.ini <<INI
[databases]
; The limits are those of PGOPTIONS in backend/gunicorn.conf.py.
$(quoted '"' "$DB_NAME") = host=$DB_HOST port=$DB_PORT connect_query='set lock_timeout = 5000; set statement_timeout = 20000; set jit = off'

[pgbouncer]
listen_addr = 0.0.0.0
listen_port = 6432
unix_socket_dir =
auth_type = scram-sha-256
auth_file = /tmp/users
pool_mode = transaction
; Of the hundred that the database takes; what is left is for migrations, backups and people.
default_pool_size = 20
; Eight for each backend.
max_client_conn = 1000
ignore_startup_parameters = options, extra_float_digits
; As long as nginx waits, and no longer.
query_wait_timeout = 60
server_connect_timeout = 5
server_login_retry = 1
log_connections = 0
log_disconnections = 0
log_stats = 0
INI
exec pgbouncer /tmp/pgbouncer.ini
