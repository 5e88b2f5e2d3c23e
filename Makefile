# The front door. `make run` to use thinkRing on this machine, `make test` to check all of it; `make help` for the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

ifneq ($(words $(CURDIR)),1)
$(error make cannot work in a folder with a space in its name: move "$(CURDIR)" to another)
endif

# Where `make run` listens, on this machine only.
PORT ?= 5173
BACKEND_PORT ?= 8000

PYTHON ?= python3
VENV := $(CURDIR)/.venv
PYTEST := $(VENV)/bin/pytest
MANAGE := cd backend && $(VENV)/bin/python manage.py
# What a stage could not run on this machine; the last stage prints it.
SKIPPED := $(CURDIR)/reports/skipped.txt

.PHONY: help
help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

# Fails until page and API both answer at the one address.
ASK := from urllib.request import urlopen; [urlopen("http://127.0.0.1:$(PORT)" + path) for path in ("/", "/api/v1/health/")]

# --- Use -------------------------------------------------------------------------------------------------------------

.PHONY: run
run: install ## thinkRing on this machine, with a worked example: one address to open, SQLite, no containers
	@for port in $(PORT) $(BACKEND_PORT); do \
	  if (exec 3<>/dev/tcp/127.0.0.1/$$port) 2>/dev/null; then \
	    echo "Port $$port is taken. Stop what uses it, or choose others: make run PORT=5174 BACKEND_PORT=8001" >&2; exit 1; \
	  fi; \
	done
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) seed_demo
	@cd frontend && node_modules/.bin/svelte-kit sync >/dev/null
	@echo "Starting …"
	@trap 'exit 0' INT TERM; trap 'kill $$backend $$frontend 2>/dev/null; wait' EXIT; \
	(cd backend && PAGE_URL=http://127.0.0.1:$(PORT) DJANGO_RUNSERVER_HIDE_WARNING=true exec $(VENV)/bin/python manage.py runserver 127.0.0.1:$(BACKEND_PORT) >/dev/null) & backend=$$!; \
	(cd frontend && BACKEND_URL=http://127.0.0.1:$(BACKEND_PORT) exec node_modules/.bin/vite dev --host 127.0.0.1 --port $(PORT) --strictPort --logLevel warn >/dev/null) & frontend=$$!; \
	opened=; \
	while kill -0 $$backend && kill -0 $$frontend; do \
	  if [ -z "$$opened" ] && $(VENV)/bin/python -c '$(ASK)'; then opened=yes; echo "Open http://127.0.0.1:$(PORT) (Ctrl+C stops it)"; fi; \
	  sleep 1; \
	done 2>/dev/null; \
	echo "One half has stopped, so thinkRing stops." >&2; exit 1

.PHONY: install
install: python node $(VENV)/installed frontend/node_modules/.package-lock.json

.PHONY: python
python:
	@$(PYTHON) -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { echo "thinkRing needs Python 3.10 or newer with venv, and $(PYTHON) is not that. Install it (Debian: apt install python3 python3-venv), or name another: make PYTHON=python3.12 …" >&2; exit 1; }

.PHONY: node
node:
	@node --eval 'process.exit(Number(parseInt(process.versions.node) < 18))' 2>/dev/null && npm --version >/dev/null 2>&1 || { echo "thinkRing needs Node 18 or newer with npm. Install it: https://nodejs.org" >&2; exit 1; }

$(VENV)/installed: backend/requirements-dev.txt | python
	@echo "Installing the back end's packages into .venv …"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r backend/requirements-dev.txt
	@touch $@

tests/browser/lighthouse/node_modules/.package-lock.json: tests/browser/lighthouse/package-lock.json | node
	@echo "Installing Lighthouse into tests/browser/lighthouse/node_modules …"
	@cd tests/browser/lighthouse && npm ci --loglevel=error
	@touch $@

frontend/node_modules/.package-lock.json: frontend/package-lock.json | node
	@echo "Installing the front end's packages into frontend/node_modules …"
	@cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# --- Check -----------------------------------------------------------------------------------------------------------

.PHONY: test
test: install test-start test-backend test-postgres test-api test-frontend test-whole ## everything that this machine can run; what was skipped, and why, stands at the end

.PHONY: test-start
test-start:
	@mkdir -p reports && : > $(SKIPPED)

.PHONY: test-backend
test-backend: $(VENV)/installed ## the back end: lint, types, its tests on SQLite
	@cd backend && $(VENV)/bin/ruff check . ../tests ../ops && $(VENV)/bin/ruff format --check . ../tests ../ops
	@cd backend && $(VENV)/bin/mypy .
	@$(MANAGE) makemigrations --check --dry-run
	@cd backend && $(PYTEST) -n auto --create-db

# What Redis does in the place of the database.
WITH_REDIS = apps/core/tests/test_cache.py apps/core/tests/test_throttling.py apps/accounts/tests/test_lockout.py apps/thinking/tests/test_remembered.py

.PHONY: test-postgres
test-postgres: $(VENV)/installed ## on a throw-away PostgreSQL 15: the back end's tests on the oldest release's database, with Redis and a replica, and every release's upgrade
	@cd backend && UPGRADE_FROM=$(firstword $(sort $(wildcard $(CURDIR)/tests/upgrades/*.sql))) ../tests/with-postgres.sh $(PYTEST) -n auto --create-db
	@cd backend && ../tests/with-postgres.sh ../tests/with-redis.sh $(PYTEST) --create-db $(WITH_REDIS)
	@cd backend && ../tests/with-postgres.sh sh -c 'DATABASE_REPLICA_URL=$$SERVER_URL $(PYTEST) --create-db apps/accounts/tests/test_replica.py'
	@tests/with-postgres.sh $(PYTEST) -c tests/pytest.ini tests/upgrades tests/kubernetes/test_database.py

.PHONY: test-upgrades
test-upgrades: $(VENV)/installed ## the back end's tests on the database of every release, as pull requests have it
	@cd backend && for dump in $(CURDIR)/tests/upgrades/*.sql; do \
	  UPGRADE_FROM=$$dump ../tests/with-postgres.sh $(PYTEST) -n auto --create-db || exit; \
	done

.PHONY: test-api
test-api: api ## that the front end's types are those of the API
	@git diff --exit-code --stat -- frontend/src/lib/api || { echo "The API has changed. What it is now has just been written to frontend/src/lib/api; commit that." >&2; exit 1; }

.PHONY: test-frontend
test-frontend: frontend/node_modules/.package-lock.json ## the front end: lint, types, its unit tests
	@cd frontend && npm run --silent lint && npm run --silent check && npm run --silent test

.PHONY: test-linters
test-linters: $(VENV)/installed ## scripts, Dockerfiles, YAML, nginx, workflows: their linters (test-whole has them too)
	@$(PYTEST) -c tests/pytest.ini tests/operations/test_scripts.py tests/operations/test_workflows.py

.PHONY: test-whole
test-whole: install tests/browser/lighthouse/node_modules/.package-lock.json ## the whole from outside: conformance, containers, browser, front door, operations, benchmarks
	@$(PYTEST) -c tests/pytest.ini --durations 40 $(if $(CI),-n 2) -m 'not torture and not alone' tests --ignore tests/upgrades --ignore tests/kubernetes/test_database.py
	@$(PYTEST) -c tests/pytest.ini -m alone tests/operations

.PHONY: bench
bench: install tests/browser/lighthouse/node_modules/.package-lock.json ## thinkRing beside other frameworks on this machine, in an hour, and docs/performance.md from it
	@cd tests && $(VENV)/bin/python -m benchmarks.bench && $(VENV)/bin/python -m benchmarks.report

.PHONY: capacity
capacity: $(VENV)/installed ## what one, two and three backends answer beside what was calculated, in a quarter of an hour, and docs/scaling.md from it
	@cd tests && $(VENV)/bin/python -m benchmarks.capacity --measure

.PHONY: pictures
pictures: install tests/browser/lighthouse/node_modules/.package-lock.json ## every page in every width, both colours and both languages, into reports/browser, to look at
	@PICTURES=true $(PYTEST) -c tests/pytest.ini tests/browser

.PHONY: torture
torture: install ## what takes hours: every fault, load, deploys, upgrades, a database of a gigabyte, random calls and writers, several backends
	@status=0; $(PYTEST) -c tests/pytest.ini tests/operations tests/fuzz tests/reliability tests/scaling tests/kubernetes/test_pods.py tests/browser/test_offline.py tests/browser/test_trouble.py || status=$$?; \
	cd backend && HYPOTHESIS_PROFILE=torture ../tests/with-postgres.sh $(PYTEST) -n auto --create-db apps/thinking/tests/test_st*.py || status=$$?; \
	$(MAKE) --no-print-directory --directory .. test-upgrades || status=$$?; \
	$(MAKE) --no-print-directory --directory .. capacity || status=$$?; exit $$status

.PHONY: operations-report
operations-report: install ## all of the operations' tests, and docs/operations-report.md from their figures
	@status=0; $(PYTEST) -c tests/pytest.ini tests/operations || status=$$?; $(VENV)/bin/python tests/operations/report.py; exit $$status

.PHONY: sbom
sbom: $(VENV)/installed ## what is in both images (CycloneDX), into reports/sbom
	@mkdir -p reports/sbom
	@for half in backend frontend; do \
	  docker build --quiet --tag thinkring-$$half:sbom --file $$half/Dockerfile.prod $$half >/dev/null; \
	  $(VENV)/bin/syft scan --quiet --output cyclonedx-json=reports/sbom/$$half.json docker:thinkring-$$half:sbom; \
	  docker image rm --no-prune thinkring-$$half:sbom >/dev/null; \
	done

.PHONY: reliability-report
reliability-report: $(VENV)/installed ## the figures of docs/reliability.md, as `make test` or `make torture` has measured them last
	@cd tests && $(VENV)/bin/python -m reliability.report

# --- Make ------------------------------------------------------------------------------------------------------------

.PHONY: lock
lock: ## lock the Python requirements anew, with hashes, for Python 3.10 and later
	@cd backend && for name in requirements requirements-s3 requirements-dev; do uv pip compile --quiet --universal --generate-hashes --python-version 3.10 --no-emit-index-url $$name.in -o $$name.txt; done

.PHONY: licences
licences: $(VENV)/installed ## write docs/licences.md from what the packages say of themselves
	@$(VENV)/bin/python tests/operations/licences.py

.PHONY: api
api: install ## write the API's schema, and the front end's types from it
	@$(MANAGE) spectacular --validate --fail-on-warn --file ../frontend/src/lib/api/schema.yaml
	@cd frontend && npm run --silent api

.PHONY: swarm
swarm: $(VENV)/installed ## write ops/swarm/stack.yml, which is production for Docker Swarm, from docker-compose.prod.yml
	@$(VENV)/bin/python ops/swarm/generate.py

.PHONY: messages
messages: $(VENV)/installed ## collect the back end's sentences, and compile their translations
	@cd backend && babel="$(VENV)/bin/pybabel --quiet" && \
	$$babel extract --sort-by-file --add-location=file --keyword pgettext_lazy:1c,2 --output locale/django.pot apps thinkring && \
	$$babel update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap --domain django --input-file locale/django.pot --output-dir locale --locale ja && \
	$$babel compile --domain django --directory locale && \
	rm locale/django.pot
