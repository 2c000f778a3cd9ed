# `make demo` and `make test` set up everything they need in .venv; nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test test-ha quick coverage check pin format docs asyncapi sbom audit bench bench-radio soak soak-service trust \
  error-rates evaluation site lock clean

demo: $(VENV)/.run
	$(BIN)/spasmwatch demo

PYTEST = $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

# Everything that decides a change: about ten minutes on two cores.
test: check
	$(PYTEST)

# Home Assistant itself, without its frontend, discovers a night: four minutes. Its version goes by
# the Python: 2024.3.3 on 3.11; from 3.13.2 on 2026.2.3, which knows devices (HA_PYTHON=python3.13).
HA := .venv-ha
HA_PYTHON ?= $(PYTHON)
test-ha: $(VENV)/.dev $(HA)/.ready
	SPASMWATCH_HA_PYTHON=$(HA)/bin/python $(BIN)/python -m pytest -v tests/mqtt/home_assistant/within*.py

$(HA)/.ready: requirements/home-assistant.txt
	@$(HA_PYTHON) -m venv --clear $(HA)
	@$(HA)/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r $<
	@touch $@

# Lint, types, layers and the tests of the core: about a minute, before each commit.
quick: check
	$(PYTEST) tests/*.py tests/alerts tests/config tests/devices tests/doctor tests/dsp \
	  tests/recognition tests/timing tests/values

# Which lines and branches the tests reach. Not in the processes that they start: these keep up with
# sensors at sixty times real time, which they cannot while they are traced.
coverage: check
	$(PYTEST) --cov --cov-report=term

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What 110 recordings, sensors and nights are said to hold, compared with what is pinned.
pin: $(VENV)/.dev
	$(BIN)/python -m tests.pin

docs: $(VENV)/.dev
	$(BIN)/python -m detector.mqtt.schemas docs/schemas
	$(BIN)/python -m detector.web.schemas docs/page-schemas
	$(BIN)/python -m detector.mqtt.asyncapi docs/asyncapi.json
	$(BIN)/python -m detector.devices.page docs/devices.md

# The documentation as a site in build/site; fails for a link that leads nowhere.
SITE := .venv-site
site: $(SITE)/.ready
	$(SITE)/bin/sphinx-build -q -W --keep-going -b html docs build/site

$(SITE)/.ready: requirements/site.txt
	@$(PYTHON) -m venv --clear $(SITE)
	@$(SITE)/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r requirements/site.txt
	@touch $@

# The AsyncAPI project's own parser, which the tests have read docs/asyncapi.json where it is there.
ASYNCAPI := tests/asyncapi/node_modules
asyncapi: $(ASYNCAPI)/.ready

$(ASYNCAPI)/.ready: tests/asyncapi/package-lock.json
	cd tests/asyncapi && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# What is installed with spasmwatch, as CycloneDX: build/sbom.json, from the lock.
sbom: $(VENV)/.dev
	$(BIN)/python -m tests.packaging.sbom build/sbom.json

# Whether what is locked has known weaknesses. Without advisories it says so and fails nothing.
AUDIT := .venv-audit
audit: $(AUDIT)/.ready
	@$(PYTHON) -m tests.packaging.audit $(AUDIT)/bin/pip-audit requirements/run.txt requirements/build.txt

$(AUDIT)/.ready: requirements/audit.txt
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r requirements/audit.txt
	@touch $@

# How fast: ratios beside a copy of the array and OpenSeizureDetector's rule, in one run.
bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks.bench

# How the client bears 32 virtual sensors at once: lost, late, and what it costs.
bench-radio: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks.radio

# Ten thousand lost links over real GATT, in virtual time: a day of them in ten minutes.
soak: $(VENV)/.dev
	$(BIN)/python -m tests.firmware_sim.many_drops --drops 10000 --streams-s 2 --away-s 1
	$(BIN)/python -m tests.night.many_flaps --links 1000 --nights 20

# 200 faults in every part of a live night, 120 kills of its process, and 800 of a publishing service
# and its broker, after which no event may be unheard; 2,000 power cuts, a fault in every write, 120,000
# damaged files, and 60 nights of chaos: over two hours.
soak-service: $(VENV)/.dev
	$(BIN)/python -m tests.service.test_faults_within --faults 200
	$(BIN)/python -m tests.service.test_killed --kills 120
	$(BIN)/python -m tests.store.crash_images --images 2000
	$(BIN)/python -m tests.store.test_faulty_disk
	$(BIN)/python -m tests.formats.mutated --each 5000
	$(BIN)/python -m tests.mqtt.unheard --service 500 --broker 200 --both 100
	$(BIN)/python -m tests.mqtt.forged --commands 10000
	$(BIN)/python -m tests.mqtt.forged --commands 10000 --broker embedded
	$(BIN)/python -m tests.web.forged --requests 10000
	$(BIN)/python -m tests.web.many_pages --pages 50 --seconds 60
	$(BIN)/python -m tests.chaos --seeds 60 --seconds 60

# How far it can be trusted: measures again what docs/trust.md says, two hours on a machine that
# does nothing else; a bar that is missed is written down, too. Nights of chaos are in it.
trust: export SPASMWATCH_MEASURED = docs/measured
trust: $(VENV)/.dev
	rm -f docs/measured/*.json  # a run that crashes leaves no figure, and what quotes it fails
	-$(BIN)/python -m tests.firmware_sim.many_drops --drops 1000 --streams-s 2 --away-s 1
	-$(BIN)/python -m tests.mqtt.latency --alarms 10000 --returns 20
	-$(BIN)/python -m tests.mqtt.known_dead --times 5
	-$(BIN)/python -m tests.service.bad_packets --packets 1000000
	-$(BIN)/python -m tests.service.memory --hours 72 --resident-only
	-$(BIN)/python -m tests.mqtt.unheard --service 500 --broker 200 --both 100
	-$(BIN)/python -m tests.mqtt.forged --commands 10000
	-$(BIN)/python -m tests.mqtt.forged --commands 10000 --broker embedded
	-$(BIN)/python -m tests.night.many_flaps --links 100 --nights 6 --hours 4
	-$(BIN)/python -m tests.store.crash_images --images 2000
	-$(BIN)/python -m tests.supervision.manager --rounds 10
	-$(BIN)/python -m tests.supervision.boot --rounds 5
	-$(BIN)/python -m tests.chaos --seeds 60 --seconds 60
	$(BIN)/python -m tests.chaos.trust

# How often each model errs on simulated nights: models/*/rates.json, five minutes. Again whenever rules
# or a model change, and before the evaluation, which reads them.
error-rates: $(VENV)/.dev
	$(BIN)/python models/evaluation/error_rates.py

# How well: docs/evaluation.md, from simulated and real recordings (SPASMWATCH_TRACES names theirs).
evaluation: $(VENV)/.dev
	$(BIN)/python models/evaluation/evaluate.py

# Hashes without addresses: the lock files work behind any mirror.
LOCK = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header
lock: $(VENV)/.dev
	$(PIP) install uv
	$(LOCK) pyproject.toml -o requirements/run.txt
	$(LOCK) pyproject.toml --all-extras --group dev -c requirements/run.txt -o requirements/dev.txt
	$(LOCK) requirements/build.in -c requirements/run.txt -o requirements/build.txt
	$(LOCK) requirements/audit.in -o requirements/audit.txt
	$(LOCK) requirements/site.in -o requirements/site.txt
	$(LOCK) requirements/home-assistant.in -o requirements/home-assistant.txt

clean:
	rm -rf $(VENV) $(AUDIT) $(SITE) $(ASYNCAPI) $(HA) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "spasmwatch needs Python 3.11 or newer. Name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }

$(VENV)/.run: requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@echo "Setting up in $(VENV) (once, about a minute)"
	@$(PIP) install --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
