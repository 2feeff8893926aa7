#!/bin/sh
# Runs once, when the official image has created the database: creates the extension and the tables in it. The server
# listens on its socket alone by now.
set -eu

PGHOST=/var/run/postgresql PGUSER=$POSTGRES_USER PGDATABASE=$POSTGRES_DB af-tools migrate up
