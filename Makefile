# Musicrec. `make run` serves it at http://127.0.0.1:8000, `make test` runs every test; both set themselves up.

PYTHON ?= python3.11
HOST ?= 127.0.0.1
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
CLIENTS := .venv-clients/.installed
SUPYSONIC := .venv-supysonic/.installed
SPARK := .venv-spark/.installed
PLAYERS := .venv-players/.installed
# two processes: the tests start workers and browsers of their own
JOBS ?= 2
# for suites that wait for other processes half of the time
MORE_JOBS ?= 3

.PHONY: help navidrome-plugin run demo test test-browser test-reliability test-slow test-servers test-clients test-home test-spark test-image coverage bench lint format messages rooms lock clean

help:
	@echo "make run               serve the site at http://$(HOST):$(PORT) (the first time with a demo world)"
	@echo "make demo              create the demo world, train, and print three listeners' explained lists"
	@echo "make test              the checks and the tests that need nothing but Python"
	@echo "make test-browser      pages in chromium, workers killed, the whole site started and stopped"
	@echo "make test-servers      the same tests on PostgreSQL and Redis on this machine"
	@echo "make test-reliability  kill processes, fill disks, move clocks"
	@echo "make test-slow         every address with every bad value, memory against its estimate"
	@echo "make test-clients      make API clients from docs/openapi.yaml and use them"
	@echo "make navidrome-plugin  build the package for Navidrome (needs Node.js and npm)"
	@echo "make test-image        build the container image and run it, where podman or docker is"
	@echo "make test-home         start a real music server with made music and use it"
	@echo "make test-spark        start a Spark cluster of two workers and train on it (needs Java 17)"
	@echo "make coverage          which branches the tests reach, as a page in htmlcov/"
	@echo "make bench             measure speed and memory"
	@echo "make lint              linters, types, import contracts, spelling; \`make checks\` and \`make types\` are its halves"
	@echo "make format            write the code as the formatter would"
	@echo "make quick-tests, make slow-tests, make slow-on-servers   parts of \`make test\` and \`make test-slow\`"
	@echo "make messages          compile the German texts of locale/ (needs msgfmt of the package gettext)"
	@echo "make rooms             draw the picture of the code's rooms from the import contracts"
	@echo "make lock              write every lock file anew from the requirements beside it"
	@echo "make clean             remove the environments and what the tools left"

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: sudo apt-get install python3.11 python3.11-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python can't make a virtual environment: sudo apt-get install python3.11-venv"; exit 1; }

$(RUNTIME): requirements.lock | $(BIN)/python
	@echo "Installing what it runs on into $(VENV) …"
	@$(BIN)/pip install --disable-pip-version-check --no-input --require-hashes --requirement requirements.lock
	@$(BIN)/python -c "import implicit.cpu.als" || { echo "The package implicit needs the system's OpenMP library: sudo apt-get install libgomp1"; exit 1; }
	@touch $@

$(DEV): requirements-dev.lock | $(BIN)/python
	@echo "Installing what the tests need into $(VENV) …"
	@$(BIN)/pip install --disable-pip-version-check --no-input --require-hashes --requirement requirements-dev.lock
	@$(BIN)/python -c "import implicit.cpu.als" || { echo "The package implicit needs the system's OpenMP library: sudo apt-get install libgomp1"; exit 1; }
	@touch $(RUNTIME) $@

$(CLIENTS): tests/clients/requirements.lock tests/clients/typescript/package-lock.json integrations/navidrome/package-lock.json | $(BIN)/python
	@command -v npm >/dev/null || { echo "The TypeScript client needs Node.js 18 or newer and npm: sudo apt-get install nodejs npm"; exit 1; }
	@$(BIN)/python -m venv .venv-clients
	@.venv-clients/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r tests/clients/requirements.lock
	@cd tests/clients/typescript && npm ci --silent
	@cd integrations/navidrome && npm ci --silent
	@touch $@

$(SUPYSONIC): tests/home/requirements.lock | $(BIN)/python
	@$(BIN)/python -m venv .venv-supysonic
	@.venv-supysonic/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r tests/home/requirements.lock
	@touch $@

$(SPARK): requirements-spark.lock | $(BIN)/python
	@$(BIN)/python -m venv .venv-spark
	@.venv-spark/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-spark.lock
	@touch $@

.env: | $(BIN)/python
	@$(BIN)/python -c "import os, secrets; f = os.open('.env', os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600); os.write(f, f'SECRET_KEY={secrets.token_urlsafe(50)}\n'.encode())"
	@echo "Wrote .env with a random SECRET_KEY."

run: $(RUNTIME) .env
	@$(BIN)/python manage.py run_site --host $(HOST) --port $(PORT)

demo: $(RUNTIME) .env
	@$(BIN)/python manage.py migrate --verbosity 0 --skip-checks
	@$(BIN)/python manage.py demo

# Suites that start a browser, workers or the whole site as processes of their own.
PROCESSES := tests/browser tests/journeys
QUICK := -m "not reliability and not clients and not slow and not home and not spark"
# A mark and the modules that have it: to collect all the others takes each process of a suite 20 s of the processor.
marked = -m $(1) $(shell grep -rlE "mark\.$(1)\b" tests --include="test_*.py")

test: $(DEV)
	@$(MAKE) --no-print-directory -j 2 checks quick-tests

.PHONY: quick-tests
quick-tests: $(DEV)
	@$(BIN)/python -m pytest -n $(JOBS) $(addprefix --ignore=,$(PROCESSES)) $(QUICK)

test-browser: $(DEV)
	@$(BIN)/python -m pytest -n $(MORE_JOBS) $(PROCESSES) $(QUICK)

# On Debian's Python, which mopidy is for; without mopidy (apt-get install mopidy mpd mpdscribble mpc) those tests are skipped.
$(PLAYERS): tests/players/requirements.lock | $(BIN)/python
	@if command -v mopidy >/dev/null; then /usr/bin/python3 -m venv --system-site-packages .venv-players; else $(BIN)/python -m venv .venv-players; fi
	@.venv-players/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps -r tests/players/requirements.lock
	@touch $@

test-reliability: $(DEV) $(PLAYERS)
	@$(BIN)/python -m pytest -n $(MORE_JOBS) $(call marked,reliability)

# The tests that ask a database, a cache or a queue, where the site runs on servers: PostgreSQL and Redis on this
# machine. Pages in a browser, the engine, the words, the web server before anything is asked and `run_site` (the
# command for one machine, on SQLite) are the same there.
NOT_ON_SERVERS := --ignore=tests/engine --ignore=tests/browser --ignore=tests/site/test_words.py \
	--ignore=tests/site/test_documentation.py --ignore=tests/site/test_languages.py --ignore=tests/site/test_function_names.py \
	--ignore=tests/journeys/test_run_site.py --ignore=tests/journeys/test_web_server.py --ignore=tests/journeys/test_chunked.py
ON_SERVERS := DATABASE_URL=postgres://postgres@127.0.0.1/musicrec CACHE_URL=redis://127.0.0.1:6379/13 CELERY_BROKER_URL=redis://127.0.0.1:6379/14
test-servers: $(DEV)
	@$(ON_SERVERS) $(BIN)/python -m pytest -n $(JOBS) $(NOT_ON_SERVERS) $(QUICK)

# Every address with every bad value on both databases, memory against its estimate, the household benchmark, seed
# packs from tables of their true layout, log lines of whole processes, every page for every kind of listener; the
# values and the plans of every query on PostgreSQL, too.
ON_BOTH := tests/journeys/test_any_address.py tests/pages/test_query_plans.py
test-slow: $(DEV)
	@$(MAKE) --no-print-directory -j 2 --output-sync=target slow-tests slow-on-servers

.PHONY: slow-tests slow-on-servers
slow-tests: $(DEV)
	@$(BIN)/python -m pytest -n $(JOBS) $(call marked,slow)

# beside the others, whose last ones leave a processor idle
slow-on-servers: $(DEV)
	@if $(BIN)/python -c "import socket; [socket.create_connection(('127.0.0.1', n), 2) for n in (5432, 6379)]" 2>/dev/null; then \
		$(ON_SERVERS) $(BIN)/python -m pytest -n $(JOBS) -m slow $(ON_BOTH); \
	else \
		echo "Skipped: PostgreSQL and Redis do not answer at 127.0.0.1, so no address was asked on them."; test -z "$$MUSICREC_CI"; \
	fi

# The package for Navidrome, in integrations/navidrome/build.
navidrome-plugin:
	@cd integrations/navidrome && npm ci --silent && npm run --silent build

# API clients made from docs/openapi.yaml by public generators, in an environment of their own.
test-clients: $(DEV) $(CLIENTS)
	@$(BIN)/python -m pytest $(call marked,clients)

test-image:
	@.ci/test-image

# A music server (supysonic, AGPL) in an environment of its own, spoken to over HTTP.
test-home: $(DEV) $(SUPYSONIC)
	@$(BIN)/python -m pytest $(call marked,home)

# A Spark cluster of a master and two workers on this machine, in an environment of its own.
test-spark: $(DEV) $(SPARK)
	@$(BIN)/python -m pytest -m spark tests/spark

# Branches, in every process that the tests start; no floor: the figure is for reading, not for passing.
coverage: $(DEV)
	@$(BIN)/python -m pytest -n $(JOBS) -m "not reliability and not clients and not home and not spark" --cov --cov-branch --cov-report=term:skip-covered --cov-report=html

bench: $(RUNTIME)
	@$(BIN)/python -m benchmarks.speed

lint: checks types

# What takes seconds, and so belongs to every change.
.PHONY: checks types
checks: $(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/codespell
	@$(BIN)/lint-imports --no-logo > .import-linter.log || { cat .import-linter.log; exit 1; }
	@SECRET_KEY=only-for-checks $(BIN)/python manage.py makemigrations --check --dry-run

types: $(DEV)
	@SECRET_KEY=only-for-checks $(BIN)/mypy

format: $(DEV)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The compiled file is part of the repository: a site needs no gettext.
messages:
	@command -v msgfmt >/dev/null || { echo "msgfmt is needed: sudo apt-get install gettext"; exit 1; }
	@msgfmt --check --output-file=locale/de/LC_MESSAGES/django.mo locale/de/LC_MESSAGES/django.po

rooms: $(DEV)
	@$(BIN)/python docs/draw_rooms.py

lock: $(DEV)
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-options --output-file requirements.lock requirements.txt
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-options --output-file requirements-image.lock requirements-image.txt
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-options --output-file requirements-dev.lock requirements-dev.txt
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-options --output-file requirements-spark.lock requirements-spark.txt
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-options --output-file requirements-index.lock requirements-index.txt
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-options --output-file tests/clients/requirements.lock tests/clients/requirements.txt
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-options --output-file tests/home/requirements.lock tests/home/requirements.txt
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-options --output-file tests/players/requirements.lock tests/players/requirements.txt

clean:
	rm -rf $(VENV) .venv-clients .venv-players .venv-spark .venv-supysonic .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache .import-linter.log .coverage .coverage.* htmlcov test-artifacts integrations/navidrome/build
