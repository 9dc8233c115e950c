SELECT nspname, relname, relkind
FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p', 'f') AND relpersistence <> 't'
  AND nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'monitoring', 'operations')
