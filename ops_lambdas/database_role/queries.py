"""Queries of PostgreSQL's catalogs about a role."""

LOCK = "SELECT pg_advisory_xact_lock(:space, :check)"

CONTEXT = """
SELECT current_database(), session_user::text,
       (SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = current_database()),
       EXISTS (SELECT FROM pg_namespace WHERE nspname = :schema),
       EXISTS (SELECT FROM pg_roles WHERE rolname = :role)
"""

# Whether the owner has to log in with a token instead of its password, as all members of rds_iam do, direct or not.
OWNER_IN_RDS_IAM = """
SELECT count(*) > 0 FROM pg_roles WHERE rolname = 'rds_iam' AND pg_has_role(session_user, oid, 'MEMBER')
"""

ATTRIBUTES = """
SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
FROM pg_roles WHERE rolname = :role
"""

MEMBERSHIPS = """
SELECT roleid::regrole::text, grantor::regrole::text, admin_option
FROM pg_auth_members WHERE member = (SELECT oid FROM pg_roles WHERE rolname = :role)
"""

# The schema that an extension is in.
EXTENSION = """
SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = :extension
"""

TABLE = """
SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = :schema AND relname = :table
"""

EXISTING_COLUMNS = """
SELECT table_.relname, attribute.attname
FROM pg_class AS table_
JOIN pg_namespace AS schema ON schema.oid = table_.relnamespace
JOIN pg_attribute AS attribute ON attribute.attrelid = table_.oid AND NOT attribute.attisdropped
WHERE schema.nspname = :schema AND table_.relkind IN ('r', 'p')
"""

RIGHTS = """
SELECT held.privilege_type, held.kind, held.schema, held.name, held.column_name, held.is_grantable
FROM (
  SELECT 'DATABASE' AS kind, '' AS schema, datname AS name, '' AS column_name, acl.*
  FROM pg_database CROSS JOIN LATERAL aclexplode(datacl) AS acl WHERE datname = current_database()
  UNION ALL
  SELECT 'SCHEMA', '', nspname, '', acl.*
  FROM pg_namespace CROSS JOIN LATERAL aclexplode(nspacl) AS acl
  UNION ALL
  SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, nspname, relname, '', acl.*
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace CROSS JOIN LATERAL aclexplode(relacl) AS acl
  UNION ALL
  SELECT 'TABLE', nspname, relname, attname, acl.*
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
  CROSS JOIN LATERAL aclexplode(attacl) AS acl
  UNION ALL
  SELECT 'ROUTINE', '', oid::regprocedure::text, '', acl.* FROM pg_proc CROSS JOIN LATERAL aclexplode(proacl) AS acl
  UNION ALL
  SELECT 'TYPE', '', oid::regtype::text, '', acl.* FROM pg_type CROSS JOIN LATERAL aclexplode(typacl) AS acl
  UNION ALL
  SELECT 'LANGUAGE', '', lanname, '', acl.* FROM pg_language CROSS JOIN LATERAL aclexplode(lanacl) AS acl
  UNION ALL
  SELECT 'FOREIGN SERVER', '', srvname, '', acl.* FROM pg_foreign_server CROSS JOIN LATERAL aclexplode(srvacl) AS acl
  UNION ALL
  SELECT 'FOREIGN DATA WRAPPER', '', fdwname, '', acl.*
  FROM pg_foreign_data_wrapper CROSS JOIN LATERAL aclexplode(fdwacl) AS acl
  UNION ALL
  SELECT 'LARGE OBJECT', '', oid::text, '', acl.*
  FROM pg_largeobject_metadata CROSS JOIN LATERAL aclexplode(lomacl) AS acl
  UNION ALL
  SELECT 'DEFAULT ' || CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES'
                                          WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END,
         coalesce(nspname, ''), pg_get_userbyid(defaclrole), '', acl.*
  FROM pg_default_acl LEFT JOIN pg_namespace ON pg_namespace.oid = defaclnamespace
  CROSS JOIN LATERAL aclexplode(defaclacl) AS acl
) AS held
WHERE held.grantee = (SELECT oid FROM pg_roles WHERE rolname = :role)
"""

# What the role owns, in this database or in all.
OWNED = """
SELECT pg_describe_object(classid, objid, objsubid) FROM pg_shdepend
WHERE refclassid = 'pg_authid'::regclass AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = :role)
  AND deptype = 'o' AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY 1 LIMIT 20
"""

# Whether the owner may give away what the role owns.
MAY_REASSIGN = "SELECT pg_has_role(session_user, CAST(:role AS name), 'USAGE')"
