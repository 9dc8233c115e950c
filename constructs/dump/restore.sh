# Restores a dump into a database without tables, all or nothing, and compares the row counts with those beside the dump.
set -eu
printf '%s\n' "$DATABASE_CA" > "$PGSSLROOTCERT"
in_database() { psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 --csv --tuples-only "$@"; }

there=$(in_database --command="SELECT count(*) FROM ($TABLES) AS found")
if [ "$there" != 0 ]; then
  echo "refused: the database $PGDATABASE is not empty, it has $there tables" >&2
  exit 3
fi
pg_restore --no-password --no-owner --no-privileges --single-transaction --exit-on-error --dbname="$PGDATABASE" database.dump
in_database > restored.csv <<'SQL'
SET row_security = off;
SET statement_timeout = 0;
\getenv tables TABLES
SELECT format('SELECT %L, count(*) FROM ONLY %I.%I', format('%s.%s', nspname, relname), nspname, relname)
FROM (:tables) AS found WHERE relkind = 'r' ORDER BY nspname, relname \gexec
SQL
sed 's/^/restored: /' restored.csv
if ! cmp rows.csv restored.csv; then
  echo "restored, but the row counts differ from those beside the dump" >&2
  exit 4
fi
echo "restored $(wc -l < restored.csv) tables with as many rows as were dumped"
