# Everything a contributor runs. Only Python 3.11 or newer and make are needed beforehand:
# the first target that needs packages builds .venv from the hash-pinned constraints.txt.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamp
UV     := build/uv/bin/uv

# Much of the tests is waiting, for processes, disks and real calls: more at once than two cores.
AT_ONCE ?= 4

.DEFAULT_GOAL := help
.PHONY: help demo test check fmt lock docs clips accuracy accuracy-late accuracy-live bench bench-setup faults phases fuzz interop dist clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## find a planted bottleneck on this machine (about a minute), write ovl-report.html
	@$(BIN)/ovl demo

# What plays a whole run comes last and alone: beside anything else it would measure that.
test: $(STAMP) ## run all tests (five minutes on two cores)
	@$(BIN)/python -m pytest -n $(AT_ONCE) --dist worksteal -m "not live"
	@$(BIN)/python -m pytest -m live tests/end_to_end

check: $(STAMP) ## formatting, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory test

fmt: $(STAMP) ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(UV) ## resolve the dependencies anew into constraints.txt
	$(UV) pip compile pyproject.toml --extra report --group dev --universal --python-version 3.11 \
	  --upgrade --generate-hashes --no-header --no-annotate --quiet -o constraints.txt

docs: $(STAMP) ## write the generated documents anew
	$(BIN)/python tools/build_docs.py

clips: $(STAMP) ## speak the clip pack anew (needs espeak-ng)
	$(BIN)/python tools/build_clips.py

accuracy: $(STAMP) ## score the verdict on 750 simulated runs, write docs/accuracy.md (twenty minutes)
	$(BIN)/python -m tests.accuracy.demo_statistics
	$(BIN)/python -m tests.accuracy.benchmark --seeds release

accuracy-late: $(STAMP) ## look for capacity that comes late, where it does and where it does not (an hour)
	$(BIN)/python -m tests.accuracy.late_capacity

accuracy-live: $(STAMP) ## name six limits of the reference agent in real calls (half an hour)
	$(BIN)/python -m tests.accuracy.live

bench: $(STAMP) ## measure start-up, calls per core, churn, the demo's verdict, collector, outage, analysis (two hours)
	$(BIN)/python -m tests.benchmarks.start_up
	$(BIN)/python -m tests.benchmarks.concurrent_calls
	$(BIN)/python -m tests.benchmarks.density
	$(BIN)/python -m tests.benchmarks.churn
	$(BIN)/python -m tests.benchmarks.demo_seeds
	$(BIN)/python -m tests.benchmarks.collector_ingest
	$(BIN)/python -m tests.benchmarks.hostile_memory
	$(BIN)/python -m tests.benchmarks.outage
	$(BIN)/python -m tests.benchmarks.analysis_speed

bench-setup: $(STAMP) ## measure a fresh clone up to the demo's verdict
	$(BIN)/python -m tests.benchmarks.from_nothing

faults: $(STAMP) ## kill, freeze, damage and attack the collector 200 times, bad peers the generator (half an hour)
	FAULT_ROUNDS=200 $(BIN)/python -m pytest --durations=0 tests/faults tests/end_to_end/test_bad_runs.py

phases: $(STAMP) ## run the five phases against a planted limit, and a search for one in virtual time (seven minutes)
	PHASES=1 $(BIN)/python -m pytest --durations=0 tests/end_to_end/test_five_phase.py tests/end_to_end/test_until_knee.py

# atheris has wheels for some platforms only, so it is not in constraints.txt.
fuzz: $(STAMP) ## play a million inputs to the collector's decoders (half an hour)
	@$(BIN)/python -m pip install --quiet --no-deps --only-binary :all: atheris==3.0.0
	$(BIN)/python -m tests.fuzz.run

interop: $(STAMP) ## meet what others made: a Pipecat bot, the Go SDK as a client (needs go), DuckDB 1.5 as a reader
	INTEROP=1 $(BIN)/python -m pytest -rs tests/interop

dist: $(STAMP) ## build wheel and sdist into dist/
	$(BIN)/python -m hatchling build

clean: ## remove what the other targets made, stores excepted
	rm -rf $(VENV) build dist ovl-report.html .mypy_cache .ruff_cache .pytest_cache

# An environment without a stamp is somebody's own: it is added to, and not cleared.
# A file with hashes can not be installed together with "-e .", hence twice.
$(STAMP): constraints.txt pyproject.toml hatch_build.py
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("otel-voiceload needs Python 3.11 or newer, $(PYTHON) is %d.%d: try make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Setting up $(VENV), about half a minute ..."
	@$(PYTHON) -m venv $(if $(wildcard $(STAMP)),--clear) $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps --only-binary :all: -r constraints.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(UV):
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet uv==0.13.9
