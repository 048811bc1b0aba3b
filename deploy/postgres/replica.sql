-- Who the replica is for the server: it reads the log, and no table. Run it once, as a superuser.

CREATE ROLE pprd_replica LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE;
