# Each target installs what the machine lacks (scripts/setup) and then does its work; `make help` lists them.
# PG_CONFIG=/path/to/pg_config chooses another PostgreSQL than version 15; ARGS goes to demo, bench, bench-backup,
# generate, installcheck and test-all.

.DEFAULT_GOAL := build
.PHONY: build install installcheck demo test test-all test-recovery test-sqlx test-windows check-examples generate bench bench-backup lint help

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

test-all: ## run the SQL and server tests on PostgreSQL 14 to 18 (ARGS="16 17" for some)
	@scripts/test-majors $(ARGS)

test-recovery: ## run the commands of docs/disaster-recovery.md on a throw-away server
	@scripts/test-recovery

test-sqlx: ## hold migrations against the sqlx command-line tool
	@scripts/test-sqlx

test-windows: ## compile af-tools for Windows, and run it and its unit tests under wine
	@scripts/test-windows

check-examples: ## hold the documented producers in Go and TypeScript against the vectors
	@scripts/check-examples

bench: ## measure insertion and verification
	@scripts/bench $(ARGS)

bench-backup: ## measure backup, verification and restore beside pg_dump and pg_restore alone
	@scripts/bench database --full --only backup $(ARGS)

generate: ## write what follows from the migrations and sql/queries (ARGS=--check only compares)
	@scripts/generate $(ARGS)

lint: ## check formatting, clippy, rustdoc, generated files, shell scripts, workflows and docker/
	@scripts/lint

help: ## list the targets
	@sed -n 's/^\([a-z-]*\): ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16
