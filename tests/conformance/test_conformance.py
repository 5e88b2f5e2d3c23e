"""
The project is what the specification says, but for the rows of docs/conformance.md. Each row excuses exact
departures, needs all of its excuses, and names tests that exist; and whatever else departs is found.
"""

import ast
import re

import pytest

from production import ROOT

from . import table
from .departures import departures

COMPOSE = "docker-compose.prod.yml"
NGINX = "nginx/nginx.conf"
EXAMPLE = ".env.production.example"
WORKFLOW = ".github/workflows/deploy.yml"
RUNBOOK = "docs/runbook.md"

ROWS = table.read((ROOT / "docs" / "conformance.md").read_text())


def test_nothing_departs_without_a_row():
    unexcused, _ = table.judge(departures(ROOT), ROWS)

    assert unexcused == []


def test_no_excuse_is_stale():
    _, stale = table.judge(departures(ROOT), ROWS)

    assert stale == []


def test_each_departure_has_one_row():
    excuses = [excuse for row in ROWS for excuse in row.excuses]

    assert len(excuses) == len(set(excuses))
    assert [row.number for row in ROWS] == list(range(1, 28))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row.number}")
def test_each_row_names_tests_that_exist(row):
    assert row.tests
    for name in row.tests:
        path, _, function = name.partition("::")
        functions = {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if hasattr(node, "name")}
        assert function in functions, name


def test_a_departure_without_its_row_fails():
    without = [row for row in ROWS if row.number != 6]

    unexcused, stale = table.judge(departures(ROOT), without)

    assert unexcused == next(row.excuses for row in ROWS if row.number == 6)
    assert stale == []


def test_a_stale_excuse_fails():
    key = f"{COMPOSE}: services.db.image → postgres:14"

    unexcused, stale = table.judge(departures(ROOT), [*ROWS, table.Row(28, "stale", [key])])

    assert unexcused == []
    assert stale == [key]


SCRIPT = "jobs.build-and-deploy.steps.Deploy to server.with.script"
PROD = "docker-compose -f docker-compose.prod.yml"
HSTS = 'add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;'
API = "        location /api/ {\n            proxy_pass http://backend;"

DEVIATIONS = [
    # Compose
    (COMPOSE, "version: '3.8'\n", "", [f"{COMPOSE}: version → missing"]),
    (COMPOSE, "POSTGRES_VERSION:-15", "POSTGRES_VERSION:-16", [
        f"{COMPOSE}: services.db.image → postgres:16",
        "container table: db postgres:15 → postgres:16",
    ]),
    (COMPOSE, "${HTTPS_PORT:-443}:443", "${HTTPS_PORT:-8443}:443", [
        f"{COMPOSE}: services.nginx.ports.443 → 8443",
        "container table: nginx 443 → not published",
        "firewall.sh: ufw allow 443/tcp → nothing listens on 443",
    ]),
    (COMPOSE, "/data\n      - ./backups:/backups\n", "/data\n", [
        f"{COMPOSE}: services.db.volumes./backups → missing",
    ]),
    (COMPOSE, "./nginx/ssl:/etc/nginx/ssl:ro", "./nginx/ssl:/etc/nginx/ssl", [
        f"{COMPOSE}: services.nginx.volumes./etc/nginx/ssl → ./nginx/ssl",
    ]),
    (COMPOSE, "static_files:/app/dist", "static_files:/app/build", [
        f"{COMPOSE}: services.frontend.volumes./app/dist → missing",
    ]),
    (COMPOSE, "      - DEBUG=False\n", "      - DEBUG=True\n", [
        f"{COMPOSE}: services.backend.environment.DEBUG → True",
    ]),
    (COMPOSE, "- SECRET_KEY=${SECRET_KEY:?", "- SECRET_KEY=${DJANGO_KEY:?", [
        f"{COMPOSE}: services.backend.environment.SECRET_KEY → ${{DJANGO_KEY:?}}",
    ]),
    (COMPOSE, "${VITE_API_BASE_URL:-https://api.thinkring.example.com/api/v1}", "${VITE_API_BASE_URL:-/api/v1}", [
        f"{COMPOSE}: services.frontend.environment.VITE_API_BASE_URL → /api/v1",
    ]),
    (COMPOSE, "./backend\n      dockerfile: Dockerfile.prod", "./backend\n      dockerfile: Dockerfile", [
        f"{COMPOSE}: services.backend.build.dockerfile → Dockerfile",
        "container table: backend python:3.10-slim → missing",
    ]),
    (COMPOSE, "    depends_on:\n      - db\n", "", [
        f"{COMPOSE}: services.backend.depends_on → missing",
        f"{COMPOSE}: services.backend.depends_on.db → missing",
    ]),
    (COMPOSE, "POSTGRES_VERSION:-15}\n", "POSTGRES_VERSION:-15}\n    profiles: [database]\n", [
        f"{COMPOSE}: services.db → only with the profile database",
    ]),
    (COMPOSE, "\n  media_files:\n", "\n", [f"{COMPOSE}: volumes.media_files → missing"]),
    (COMPOSE, 'max-size: "10m"', 'max-size: "100m"', [
        f"{COMPOSE}: services.{name}.logging.options.max-size → 100m"
        for name in ["nginx", "certificate", "frontend", "backend", "db", "backups", "wal", "pgbouncer", "redis"]
    ]),
    # nginx
    (NGINX, HSTS, "", [f"{NGINX}: server[443].add_header Strict-Transport-Security → missing"]),
    (NGINX, HSTS, HSTS.replace(" always", ""), [
        f"{NGINX}: server[443].add_header Strict-Transport-Security → max-age=31536000; includeSubDomains",
    ]),
    (NGINX, '"DENY"', '"SAMEORIGIN"', [f"{NGINX}: server[443].add_header X-Frame-Options → SAMEORIGIN always"]),
    (NGINX, "TLSv1.2 TLSv1.3", "TLSv1.3", [f"{NGINX}: server[443].ssl_protocols → TLSv1.3"]),
    (NGINX, "listen 443 ssl http2", "listen 443 ssl", [f"{NGINX}: server[443].listen 443 → ssl"]),
    (NGINX, "expires 30d", "expires 1d", [f"{NGINX}: server[443].location /static/.expires → 1d"]),
    (NGINX, "location /media/", "location /uploads/", [f"{NGINX}: server[443].location /media/ → missing"]),
    (NGINX, API, API.replace("backend", "frontend"), [
        f"{NGINX}: server[443].location /api/.proxy_pass → http://frontend",
    ]),
    (NGINX, "server backend:8000 resolve", "server backend:8080 resolve", [
        f"{NGINX}: upstream backend.server backend:8000 → missing",
    ]),
    (NGINX, "server backend:8000 resolve max_fails=1", "server backend:8000 resolve", [
        f"{NGINX}: upstream backend.server backend:8000 → resolve fail_timeout=8s max_conns=64",
    ]),
    (NGINX, "ssl/cert.pem", "ssl/certificate.pem", [
        f"{NGINX}: server[443].ssl_certificate → /etc/nginx/ssl/certificate.pem",
        "first-deployment.sh: cp /etc/letsencrypt/live/thinkring.example.com/fullchain.pem nginx/ssl/cert.pem"
        " → nginx does not read nginx/ssl/cert.pem",
    ]),
    (NGINX, "server_name thinkring.example.com api.", "server_name api.", [
        f"{NGINX}: server[443].server_name thinkring.example.com → missing",
    ]),
    # The example of .env.production
    (EXAMPLE, "JWT_ACCESS_TOKEN_LIFETIME=15", "JWT_ACCESS_TOKEN_LIFETIME=60", [
        f"{EXAMPLE}: JWT_ACCESS_TOKEN_LIFETIME → 60",
    ]),
    (EXAMPLE, "CORS_ALLOWED_ORIGINS=https://thinkring.example.com\n", "", [
        f"{EXAMPLE}: CORS_ALLOWED_ORIGINS → missing",
    ]),
    (EXAMPLE, "DB_USER=thinkring_user", "DB_USER=thinkring", [
        f"{EXAMPLE}: DB_USER → thinkring",
        "restore.sh: docker-compose exec -T db psql -U thinkring_user thinkring_prod <"
        " /backups/thinkring_db_20240101_020000.sql → no database user thinkring_user",
    ]),
    # The workflow
    (WORKFLOW, "      - main\n", "      - production\n", [f"{WORKFLOW}: on.push.branches.main → missing"]),
    (WORKFLOW, "    needs: test\n", "", [f"{WORKFLOW}: jobs.build-and-deploy.needs → missing"]),
    (WORKFLOW, "'3.10'", "'3.12'", [f"{WORKFLOW}: jobs.test.steps.Set up Python.with.python-version → 3.12"]),
    (WORKFLOW, "name: Run tests", "name: Test", [
        f"{WORKFLOW}: jobs.test.steps.Run tests.name → missing",
        f"{WORKFLOW}: jobs.test.steps.Run tests.run: cd backend → missing",
        f"{WORKFLOW}: jobs.test.steps.Run tests.run: python manage.py test → missing",
    ]),
    (WORKFLOW, "secrets.SSH_KEY", "secrets.KEY", [
        f"{WORKFLOW}: jobs.build-and-deploy.steps.Deploy to server.with.key → ${{{{ secrets.KEY }}}}",
    ]),
    (WORKFLOW, "            cd /path/to/thinkring\n            ops/deploy.sh", "            ops/deploy.sh", [
        f"{WORKFLOW}: {SCRIPT}: cd /path/to/thinkring → missing",
    ]),
    # Scripts
    ("backup.sh", "RETENTION_DAYS=7", "RETENTION_DAYS=30", ["backup.sh: -mtime +7 → +30"]),
    ("backup.sh", "database=thinkring_db_$DATE.sql", "database=thinkring_$DATE.sql", [
        "backup.sh: BACKUP_FILE thinkring_db_$DATE.sql → thinkring_$DATE.sql",
    ]),
    ("backup.sh", "date +%Y%m%d_%H%M%S", "date +%s", ["backup.sh: DATE %Y%m%d_%H%M%S → another form"]),
    ("backup.sh", "exec pg_dump -U", "exec pg_dump -Fc -U", [
        "backup.sh: docker-compose exec -T db pg_dump -U thinkring_user thinkring_prod"
        f" → {PROD} exec -T db pg_dump -Fc -U thinkring_user thinkring_prod",
    ]),
    ("ops/check-health.sh", "/api/v1/health/\n", "/health/\n", [
        "ops/check-health.sh: https://thinkring.example.com/api/v1/health/ → https://thinkring.example.com/health/",
    ]),
    ("ops/check-health.sh", '[ "$status" != 200 ]', '[ "$status" -ge 400 ]', [
        "ops/check-health.sh: message at 301 → nothing",
    ]),
    ("backend/apps/core/views.py", '{"status": "healthy"}', '{"status": "ok"}', [
        "backend/apps/core/views.py: health_check → return JsonResponse({'status': 'ok'})",
    ]),
    (RUNBOOK, "0 2 * * * /path/to/backup.sh", "0 3 * * * /path/to/backup.sh", [
        f"{RUNBOOK}: 0 2 * * * /path/to/backup.sh → missing",
    ]),
    # Images
    ("frontend/Dockerfile.prod", "FROM node:${NODE_VERSION}-alpine\n", "FROM node:${NODE_VERSION}-slim\n", [
        "container table: frontend node:18-alpine → node:18-slim",
    ]),
    (COMPOSE, "PYTHON_VERSION=${PYTHON_VERSION:-3.10}", "PYTHON_VERSION=${PYTHON_VERSION:-3.13}", [
        "container table: backend python:3.10-slim → python:3.13-slim",
    ]),
]  # fmt: skip


def told(deviation):
    file, old, new, _ = deviation
    return f"{file}: {(new or f'without {old}').strip()}"[:80]


@pytest.mark.parametrize(("file", "old", "new", "expected"), DEVIATIONS, ids=map(told, DEVIATIONS))
def test_a_deliberate_deviation_is_found(copy, file, old, new, expected):
    text = (copy / file).read_text()
    assert text.count(old) >= 1, "the deviation of the test is not in the file any more"
    (copy / file).write_text(text.replace(old, new))

    unexcused, _ = table.judge(departures(copy), ROWS)

    assert unexcused == expected


def test_a_renamed_service_is_found(copy):
    path = copy / COMPOSE
    path.write_text(re.sub(r"^(  |      )backend:$", r"\1api:", path.read_text(), flags=re.M))

    unexcused, _ = table.judge(departures(copy), ROWS)

    assert f"{COMPOSE}: services.backend → missing" in unexcused
    assert f"{COMPOSE}: services.nginx.depends_on.backend → missing" in unexcused
    assert "container table: backend → missing" in unexcused
    assert "logs.sh: docker-compose logs backend → no service backend" in unexcused
    assert f"first-deployment.sh: {PROD} exec backend python manage.py migrate → no service backend" in unexcused
    assert [key for key in unexcused if "backend" not in key] == []


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("docker-compose.yml", ["docker-compose.yml: services → missing"]),
        ("backend/apps/core/views.py", ["backend/apps/core/views.py: health_check → missing"]),
    ],
)
def test_a_file_that_is_not_there_is_found(copy, file, expected):
    (copy / file).unlink()

    unexcused, _ = table.judge(departures(copy), ROWS)

    assert unexcused == expected
