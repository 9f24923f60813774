-- Two roles with the least privileges: receiver_owner migrates, receiver_web does everything else.
--
-- Run this once as an administrator, in the service's own empty database, before the first
-- migration:
--
--     createdb --encoding UTF8 --template template0 receiver
--     psql --dbname receiver --file deploy/postgres/roles.sql
--     psql --dbname receiver --command '\password receiver_owner'
--     psql --dbname receiver --command '\password receiver_web'
--
-- Then migrate with a DATABASE_URL of receiver_owner. The web process, the reconcile process and all
-- other commands use a DATABASE_URL of receiver_web.

CREATE ROLE receiver_owner LOGIN;
CREATE ROLE receiver_web LOGIN;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO receiver_owner;
GRANT USAGE ON SCHEMA public TO receiver_web;

-- For the tables of all migrations, also later ones. Identity columns need no privilege on their
-- sequence to be filled. SELECT lets the doctor compare a sequence with its table, and USAGE lets the
-- service draw past ids that are taken, if a sequence lags after a replication.
ALTER DEFAULT PRIVILEGES FOR ROLE receiver_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO receiver_web;
ALTER DEFAULT PRIVILEGES FOR ROLE receiver_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO receiver_web;

-- The service keeps the values of its statements, which are personal, out of Postgres's log. Only a
-- superuser may grant this. On a hosted database this statement may fail: `doctor` says what to do.
GRANT SET ON PARAMETER
    log_parameter_max_length, log_error_verbosity, auto_explain.log_min_duration
    TO receiver_owner, receiver_web;
