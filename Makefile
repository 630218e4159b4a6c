# The commands people need, the same in CI. `make` alone lists them.
#   PYTHON=…   the Python (3.11 or 3.12) of .venv          PYTHON312=…  the Python 3.12 that builds functions and runs the local stack
#   RULES=…    the folder of rules that `ruleset` compiles  PORT=…       where `dev` listens

RULES ?= rules
RULESET ?= build/ruleset.ostiary
PORT ?= 8787
TESTS ?= tests

VENV := .venv
STACK := .venv-stack
BUILD := .venv-build
VENV_MADE := $(VENV)/.made
STACK_MADE := $(STACK)/.made
BUILD_MADE := $(BUILD)/.made

# SAM CLI asks for a region even to read a template, and would otherwise write to the home folder, report usage, and look for
# a newer version of itself.
SAM_HOME := $(CURDIR)/build/sam
SAM_ENV := AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 __SAM_CLI_APP_DIR=$(SAM_HOME)

# --no-build-isolation: what builds a source package is locked too (requirements-build.txt), never fetched on the way.
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-build-isolation

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help setup demo dev bench-cold test lint lint-python lint-template test-stack fuzz campaign ruleset lock clean

help:  ## This list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

setup: $(VENV_MADE)  ## Make .venv with everything locked, `ostiary` in .venv/bin

demo: $(VENV_MADE)  ## A seeded day of traffic on a local DynamoDB, and what an analyst sees of it
	@$(VENV)/bin/ostiary demo

dev: $(VENV_MADE)  ## The local gateway on http://127.0.0.1:8787, in front of a small model API
	@$(VENV)/bin/ostiary dev --port $(PORT)

test: lint $(VENV_MADE)  ## Lint, then every test but the local stack's
	$(VENV)/bin/pytest -n 2 $(TESTS)

lint: lint-python lint-template  ## ruff, mypy, import-linter; SAM's and CloudFormation's linters

lint-python: $(VENV_MADE)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

lint-template: $(STACK_MADE)
	@mkdir -p $(SAM_HOME) && echo '{"lastVersionCheck": 32503680000}' > $(SAM_HOME)/metadata.json
	$(STACK)/bin/cfn-lint template.yaml
	$(SAM_ENV) $(STACK)/bin/sam validate --lint --template-file template.yaml

test-stack: $(VENV_MADE) $(BUILD_MADE) $(STACK_MADE)  ## sam build, deploy to MiniStack on 127.0.0.1, real requests
	$(SAM_ENV) $(STACK)/bin/python -m pytest -c tests_stack/pytest.ini tests_stack

fuzz: $(VENV_MADE)  ## A million mutations of rule files and events: none uncaught, none over 50 ms
	$(VENV)/bin/python tests/fuzz/fuzz.py --cases 1000000

campaign: $(VENV_MADE)  ## 100,000 generated rules against pySigma: no difference
	$(VENV)/bin/python tests/matching/campaign.py --cases 100000

bench-cold: $(VENV_MADE)  ## What the request path costs a fresh process, beside boto3's client
	@$(VENV)/bin/python bench/cold_start.py

ruleset: $(VENV_MADE)  ## Check and compile RULES (rules/) to build/ruleset.ostiary
	@mkdir -p $(dir $(RULESET))
	$(VENV)/bin/ostiary compile $(RULES) --output $(RULESET)

# --- what SAM calls: Metadata.BuildMethod makefile -> build-<LogicalId>, with ARTIFACTS_DIR ---

# The rooms of the request path, and what else each function reads. Neither the language nor the command line travels.
REQUEST_PATH := vocabulary ruleset text matching counting judgement gateways providers actions stores

build-AuthorizeFunction: ROOMS := $(REQUEST_PATH)
build-ProxyFunction: ROOMS := $(REQUEST_PATH)
build-RecordFunction: ROOMS := $(REQUEST_PATH)
build-EscalateFunction: ROOMS := $(REQUEST_PATH) enforcement

build-AuthorizeFunction: FUNCTION := authorize
build-ProxyFunction: FUNCTION := proxy
build-RecordFunction: FUNCTION := record
build-EscalateFunction: FUNCTION := escalate

.PHONY: build-AuthorizeFunction build-ProxyFunction build-RecordFunction build-EscalateFunction
build-AuthorizeFunction build-ProxyFunction build-RecordFunction build-EscalateFunction: $(BUILD_MADE) ruleset
	@test -n "$(ARTIFACTS_DIR)" || { echo "this target is for 'sam build', which sets ARTIFACTS_DIR" >&2; exit 1; }
	@mkdir -p "$(ARTIFACTS_DIR)/ostiary"
	@cp src/ostiary/*.py "$(ARTIFACTS_DIR)/ostiary/"
	@cp -R $(addprefix src/ostiary/,$(ROOMS)) "$(ARTIFACTS_DIR)/ostiary/"
	@cp functions/$(FUNCTION)/app.py "$(ARTIFACTS_DIR)/"
	@cp $(RULESET) "$(ARTIFACTS_DIR)/ruleset.ostiary"
	@$(BUILD)/bin/python $(INSTALL) --no-compile --target "$(ARTIFACTS_DIR)" -r functions/$(FUNCTION)/requirements.txt
	@find "$(ARTIFACTS_DIR)" -type d \( -name __pycache__ -o -name bin \) -prune -exec rm -rf {} +
	@$(BUILD)/bin/python tools/check_function.py "$(ARTIFACTS_DIR)"
	@# /var/task is read-only: without its bytecode each cold start would compile everything again. Zip files keep no exact times, so by hash, unchecked.
	@$(BUILD)/bin/python -m compileall -q --invalidation-mode unchecked-hash "$(ARTIFACTS_DIR)"

# --- environments: each made by itself, again when its lock changes ---

define find_python
$(if $($(1)),$($(1)),$$(tools/find-python $(2)))
endef

$(VENV_MADE): requirements-dev.txt requirements-build.txt pyproject.toml tools/check_system.py
	@python=$(call find_python,PYTHON,3.12 3.11) && "$$python" tools/check_system.py && { test -x $(VENV)/bin/python || "$$python" -m venv $(VENV); }
	$(VENV)/bin/python $(INSTALL) -r requirements-build.txt
	$(VENV)/bin/python $(INSTALL) -r requirements-dev.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(STACK_MADE): requirements-stack.txt requirements-build.txt
	@python=$(call find_python,PYTHON312,3.12) && { test -x $(STACK)/bin/python || "$$python" -m venv $(STACK); }
	$(STACK)/bin/python $(INSTALL) -r requirements-build.txt
	$(STACK)/bin/python $(INSTALL) -r requirements-stack.txt
	@touch $@

$(BUILD_MADE): requirements-build.txt tools/check_system.py
	@python=$(call find_python,PYTHON312,3.12) && "$$python" tools/check_system.py && { test -x $(BUILD)/bin/python || "$$python" -m venv $(BUILD); }
	$(BUILD)/bin/python $(INSTALL) -r requirements-build.txt
	@touch $@

# --- maintenance ---

UV := .venv-lock/bin/uv
COMPILE := $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-header --custom-compile-command "make lock"
FUNCTIONS := $(wildcard functions/*/requirements.in)

lock: $(UV)  ## Resolve every requirements file again (needs the network)
	$(COMPILE) --universal --python-version 3.11 --extra dev pyproject.toml --output-file requirements-dev.txt
	$(COMPILE) --universal --python-version 3.11 --allow-unsafe requirements-build.in --output-file requirements-build.txt
	$(COMPILE) --universal --python-version 3.12 requirements-stack.in --output-file requirements-stack.txt
	for file in $(FUNCTIONS); do $(COMPILE) --python-version 3.12 --python-platform x86_64-manylinux_2_28 --constraint requirements-dev.txt $$file --output-file $${file%.in}.txt || exit 1; done

$(UV):
	$$(tools/find-python 3.12 3.11) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv

clean:  ## Remove what was built, and the environments
	rm -rf build dist .aws-sam $(VENV) $(STACK) $(BUILD) .venv-lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
