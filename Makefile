# Nothing but Python 3.11+, git and make has to be on the machine: every target makes .venv by itself.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-print-directory

ROOMS := kagit algorithms reports repo_layout reconciler
BIN := .venv/bin
QUALITY := .make/quality-venv
WORKERS ?= 2
UV_INSTALL := $(BIN)/uv pip install --compile-bytecode --python $(BIN)/python
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header

ifeq ($(wildcard $(BIN)/python),)
$(shell rm -f .make/venv .make/demo .make/dev)
endif

.PHONY: help demo test check bench bench-quality e2e e2e-cluster lock clean \
	check-format check-lint check-types check-types-strict check-dead check-docs check-deps check-imports check-house

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .make/demo ## the main job on real input: push two experiments, get two committed reports
	@$(BIN)/python examples/demo/main.py

test: .make/dev ## all tests (WORKERS=2)
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal

check: check-format check-lint check-imports check-house check-docs check-dead check-deps check-types check-types-strict ## all gates
	@echo 'all gates hold'

bench: .make/dev ## every number that the docs quote
	@$(BIN)/python benchmarks/run.py

bench-quality: .make/quality-ready ## how good the algorithms are, beside bare libraries: hours (ARGUMENTS=--estimate)
	@$(QUALITY)/bin/python benchmarks/quality/run.py $(if $(findstring --only,$(ARGUMENTS)),,--page docs/quality.md) $(ARGUMENTS)

e2e: e2e-cluster ## end to end: what needs more than Python

e2e-cluster: .make/dev ## the Cluster contract, CRDs and policies on a real Kubernetes API server
	@tests/e2e/run-cluster

lock: .make/venv ## choose versions anew and write them to requirements-*.lock
	@echo 'choosing versions…'
	@$(LOCK) --upgrade --group uv -o requirements-uv.lock
	@$(LOCK) --upgrade --group demo -o requirements-demo.lock pyproject.toml
	@$(LOCK) --upgrade --group dev --extra cluster --extra grpc -c requirements-demo.lock -o requirements-dev.lock pyproject.toml

clean: ## remove .venv and everything else that can be made again
	@rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist

# ------------------------------------------------------------------------------------------------------------- gates

# Silent while the gate holds; all that it said when it does not.
gate = @mkdir -p .make; echo '$(1)'; $(1) > .make/$@.log 2>&1 || { cat .make/$@.log; echo '$@ does not hold' >&2; exit 1; }

check-format: .make/dev
	$(call gate,$(BIN)/ruff format --check .)

check-lint: .make/dev
	$(call gate,$(BIN)/ruff check .)

check-imports: .make/dev
	$(call gate,$(BIN)/lint-imports --no-logo)

check-house: .make/dev
	$(call gate,$(BIN)/python -P tests/gates/house.py .)

check-docs: .make/dev
	$(call gate,$(BIN)/interrogate -vv $(ROOMS))

check-dead: .make/dev
	$(call gate,$(BIN)/vulture)

check-deps: .make/dev
	$(call gate,$(BIN)/deptry --no-ansi .)

check-types: .make/dev
	$(call gate,$(BIN)/mypy)

check-types-strict: .make/dev
	$(call gate,$(BIN)/basedpyright)

# ----------------------------------------------------------------------------------------------------- the environment

define find_python
for python in $${PYTHON:-} python3.14 python3.13 python3.12 python3.11 python3 python; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && break; \
	python=; \
done; \
test -n "$$python" || { echo 'kagit needs Python 3.11 to 3.14 with its venv module; say where: make PYTHON=/path/to/python3' >&2; exit 1; }
endef

# uv installs in seconds; where it cannot be had or cannot reach the index, pip does the same more slowly.
define install
	if test -x $(BIN)/uv && $(UV_INSTALL) --require-hashes -r $(1) && $(UV_INSTALL) --quiet --no-deps --no-build-isolation -e .; then :; \
	else echo 'uv cannot install here; pip does it, which takes longer' \
		&& $(PIP_INSTALL) --require-hashes -r $(1) && $(PIP_INSTALL) --quiet --no-deps --no-build-isolation -e .; fi
endef

.make/venv: requirements-uv.lock
	@mkdir -p .make
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { $(find_python); \
		echo "making .venv with $$("$$python" -V)…"; "$$python" -m venv --clear .venv; }
	@echo 'installing uv…'
	@$(PIP_INSTALL) --quiet --require-hashes -r requirements-uv.lock || echo 'uv cannot be had here'
	@touch $@

# The development environment holds all that the demo needs: with it there, nothing is installed twice.
.make/demo: requirements-demo.lock pyproject.toml .make/venv
	@if test .make/dev -nt pyproject.toml && test .make/dev -nt requirements-dev.lock; then :; \
	else echo 'installing what the demo needs (about 40 packages)…'; $(call install,requirements-demo.lock); fi
	@touch $@

# An environment of its own, because Optuna's GPSampler needs torch; without it the benchmark says what it leaves out.
quality_install = @if test -x $(BIN)/uv; then $(BIN)/uv pip install --python $(QUALITY)/bin/python $(1); \
	else $(QUALITY)/bin/python -m pip install --quiet --disable-pip-version-check $(1); fi

.make/quality-ready: requirements-demo.lock benchmarks/quality/requirements.txt benchmarks/quality/requirements-torch.txt .make/venv
	@echo 'installing what the quality benchmark compares with (about 60 packages, 6 GB with torch)…'
	@$(BIN)/python -m venv --clear $(QUALITY)
	$(call quality_install,--require-hashes -r requirements-demo.lock)
	$(call quality_install,-r benchmarks/quality/requirements.txt)
	$(call quality_install,--no-deps --no-build-isolation -e .)
	$(call quality_install,-r benchmarks/quality/requirements-torch.txt) || echo 'torch cannot be had here'
	@touch $@

.make/dev: requirements-dev.lock pyproject.toml .make/venv
	@echo 'installing the development environment (about 80 packages)…'
	@$(call install,requirements-dev.lock)
	@touch $@
