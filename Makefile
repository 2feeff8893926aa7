# Each target installs what the machine lacks (scripts/setup) and then does its work; `make help` lists them.
# PG_CONFIG=/path/to/pg_config chooses another PostgreSQL than version 15; ARGS goes to demo, bench and regress.

.DEFAULT_GOAL := build
.PHONY: build install installcheck demo test bench lint help

build: ## build the extension and af-tools
	@scripts/build

install: ## build the extension and install it into PostgreSQL
	@scripts/install

installcheck: ## run the SQL tests against the installed extension
	@scripts/regress $(ARGS)

demo: ## install, then show import, verification, tampering and its discovery on a throw-away server
	@scripts/demo $(ARGS)

test: ## run all tests
	@scripts/test

bench: ## measure insertion and verification
	@scripts/bench $(ARGS)

lint: ## check formatting, clippy and rustdoc
	@scripts/lint

help: ## list the targets
	@sed -n 's/^\([a-z]*\): ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14
