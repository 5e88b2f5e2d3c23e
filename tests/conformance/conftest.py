import shutil

import pytest

from production import FRONT_ENDS, ROOT

# What the comparison reads, and what a copy of the project needs for it.
COMPARED_FILES = [
    ".env.production.example",
    ".github/workflows/deploy.yml",
    "backend/Dockerfile.prod",
    "backend/apps/core/views.py",
    "backend/manage.py",
    "backup.sh",
    "docker-compose.prod.yml",
    "docker-compose.yml",
    "docs/runbook.md",
    "frontend/Dockerfile.prod",
    "nginx/nginx.conf",
    "ops/check-health.sh",
    "ops/installation.sh",
]


@pytest.fixture(params=FRONT_ENDS)
def front_end(request, engine):
    """Both compose commands, as words."""
    return request.param.split()


@pytest.fixture
def copy(tmp_path):
    """A copy of what is compared, to be changed at will."""
    project = tmp_path / "project"
    for name in COMPARED_FILES:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    (project / ".env").symlink_to(".env.production")
    return project
