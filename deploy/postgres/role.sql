-- The hub's role and the schema of its ledger, with the least rights that recording and destroying need. Run it once, as a
-- superuser, in the ledger's own database: psql -v ON_ERROR_STOP=1 -d pprd -f deploy/postgres/role.sql

CREATE ROLE pprd LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;

-- Nobody else enters, and nobody makes anything outside of the ledger's schema.
DO $$ BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO pprd', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- One schema, one ledger. Who owns its tables may rewrite them, and that is how content is destroyed.
CREATE SCHEMA pprd AUTHORIZATION pprd;

-- A destruction ends when no segment of the log is as old as it: finish the segment, flush, and see which are left.
GRANT pg_checkpoint TO pprd;
GRANT EXECUTE ON FUNCTION pg_switch_wal(), pg_ls_waldir() TO pprd;
-- A transaction that began before a destruction keeps deleted rows alive, and only this shows those of other roles.
GRANT pg_read_all_stats TO pprd;
