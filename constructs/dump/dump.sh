# Dumps the database and counts the rows of its tables, all as of one moment: psql holds the snapshot that pg_dump takes.
# A table that the user may not read fails it. What `database_role` makes is left out.
set -eu
printf '%s\n' "$DATABASE_CA" > "$PGSSLROOTCERT"
psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 <<'SQL'
SET row_security = off;
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_catalog.pg_export_snapshot() AS "snapshot" \gset
\setenv SNAPSHOT :snapshot
\! pg_dump --no-password --format=custom --no-owner --no-privileges --exclude-schema=monitoring --exclude-schema=operations --exclude-extension=pg_stat_statements --snapshot="$SNAPSHOT" --file=unfinished && mv unfinished database.dump
\if :SHELL_ERROR
  \q
\endif
\getenv tables TABLES
\pset format csv
\pset tuples_only on
\o rows.csv
SELECT format('SELECT %L, count(*) FROM ONLY %I.%I', format('%s.%s', nspname, relname), nspname, relname)
FROM (:tables) AS found WHERE relkind = 'r' ORDER BY nspname, relname \gexec
COMMIT;
SQL
if [ ! -f database.dump ]; then
  echo "pg_dump has failed" >&2
  exit 1
fi
echo "dumped $(wc -l < rows.csv) tables, $(wc -c < database.dump) bytes"
