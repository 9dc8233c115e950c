# `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
unexport PYTHONDONTWRITEBYTECODE

ENV ?= production
REGION ?=
CDK = cdk --version-reporting=false
CONTEXT = -c environment=$(ENV) $(if $(REGION),-c region=$(REGION))

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.ready ## install what the project needs, in .venv and node_modules

$(VENV)/.ready: requirements.lock package.json package-lock.json
	@echo "Setting up .venv and node_modules ..."
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, python3 is %d.%d" % sys.version_info[:2])'
	@python3 -m venv $(VENV)
	@pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@npm ci --silent
	@touch $@

.PHONY: lock
lock: $(VENV)/.ready ## resolve the dependencies anew, after a change of a version
	@uv pip compile requirements-dev.txt --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command 'make lock' --output-file requirements.lock
	@npm install --silent --package-lock-only
