# Everything a developer runs. From a fresh clone each target sets up what it needs; all of it lands in .venv
# (the project) and .servers (real Gradio servers, and the official client), and nowhere else.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
READY := .venv/.ready

# The one list of what the gate on coverage leaves out: every other module of gradio_proto has each of its branches
# taken by a test.
UNGATED := gradio_proto/client/*,gradio_proto/cli/*,gradio_proto/conformance/*,gradio_proto/recording/sockets.py,gradio_proto/__main__.py

.PHONY: help test test-matrix test-clients test-mutants test-alarms faults model fuzz chaos soak core-mutants conformance coverage servers lint docs format demo bench clean

help:
	@echo "make test     the whole test suite, with real Gradio servers (ARGS=... goes to pytest)"
	@echo "make test-matrix  every operation, on every server, over every transport: makes docs/matrix.md"
	@echo "make conformance  the conformance tester against every real server, with a report in build/conformance"
	@echo "make test-mutants  how many defects of the embedded server it finds: makes docs/mutants.md"
	@echo "make test-alarms  that it blames no healthy server, with 20 seeds for each version"
	@echo "make test-clients  our clients on every scenario of the hostile server, the async ones too"
	@echo "make faults   everything that can go wrong with a server, a network, a disk or a program (ARGS='join/*')"
	@echo "make model    a client, a server and a bad network between them, in memory (ARGS='--examples 1000')"
	@echo "make fuzz     the fuzzers of the core (ARGS='--seconds 60', or '--cpu-minutes 20 sse')"
	@echo "make chaos    a bad network between our clients and real servers: makes docs/chaos.md"
	@echo "make soak     100,000 calls and 1,000 clients, after which nothing may have grown"
	@echo "make core-mutants  how many small defects of the core its tests find: makes docs/mutation.md"
	@echo "make lint     ruff, mypy, pyright and the import contracts"
	@echo "make docs     the documentation, in build/docs; every warning is an error"
	@echo "make format   let ruff lay out the code"
	@echo "make servers  install the Gradio servers that the tests run against, and the official clients"
	@echo "make demo     see it work"
	@echo "make bench    measure against plain sockets and the official clients (ARGS=... goes to the benchmarks)"
	@echo "make clean    throw away the environments and the caches"

# The project by itself, for whoever wants to see it work.
$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	    echo "gradio_proto needs Python 3.10 or later, and $(PYTHON) is not: run 'make PYTHON=/path/to/python3.11'"; \
	    exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[cli]'
	@touch $@

# All that its development takes.
$(READY): $(INSTALLED)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable . --group dev --group loops --group browser --group docs
	@touch $@

servers: $(READY)
	@$(BIN)/python tests/servers/install.py

test: $(READY) servers
	@rm -f .coverage .coverage.*
	@$(BIN)/python tests/halves.py $(ARGS)
	@$(MAKE) --no-print-directory coverage

test-matrix: $(READY) servers
	@PYTHONPATH=tests $(BIN)/python -m matrix $(ARGS)

conformance: $(READY) servers
	@PYTHONPATH=tests $(BIN)/python -m reality $(ARGS)

test-mutants: $(READY)
	@PYTHONPATH=tests $(BIN)/python -m mutants --write $(ARGS)

test-alarms: $(READY)
	@PYTHONPATH=tests $(BIN)/python -m false_alarms $(ARGS)

faults: $(READY)
	@PYTHONPATH=tests $(BIN)/python -m faults $(ARGS)

model: $(READY)
	@PYTHONPATH=tests $(BIN)/python -m model $(ARGS)

fuzz: $(READY)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --group fuzz
	@PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

chaos: $(READY) servers
	@PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

soak: $(READY)
	@PYTHONPATH=tests $(BIN)/python -m soak $(ARGS)

core-mutants: $(READY)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --group mutation
	@PYTHONPATH=tests $(BIN)/python -m core_mutants $(ARGS)

test-clients: $(READY)
	@CONFORMANCE_CLIENTS=all $(BIN)/python -m pytest tests/test_conformance_clients.py $(ARGS)

coverage: $(READY)
	@$(BIN)/python -m coverage combine --quiet --keep
	$(BIN)/python -m coverage report --omit='$(UNGATED)' --fail-under=100 --skip-covered

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	$(BIN)/lint-imports

# Everything is read anew each time: what is read from a cache does not warn.
docs: $(READY)
	$(BIN)/python -m sphinx --fresh-env --nitpicky --fail-on-warning --quiet \
	    -c docs -d build/doctrees . build/docs
	@echo "build/docs/index.html"

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

demo: $(INSTALLED)
	@$(BIN)/python docs/demo.py $(ARGS)

bench: $(READY) servers
	@$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf .venv .venvs .servers .coverage* .hypothesis .*_cache build dist
	find . -name __pycache__ -prune -exec rm -rf {} +
