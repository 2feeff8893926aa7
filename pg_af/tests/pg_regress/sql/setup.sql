-- The tables of the first migration, and two tenants.
\set ECHO none
\i ../../../sql/migrations/0001_tenants_and_audits.up.sql
\set ECHO all
INSERT INTO tenants (id, name) VALUES
    ('00000000-0000-4000-8000-00000000000a', 'acme'),
    ('00000000-0000-4000-8000-00000000000b', 'bolt');
