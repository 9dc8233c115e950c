"""Configuration files and roles with which the embedded PostgreSQL behaves as RDS does."""

# RDS lets its master user, who is no superuser, create this extension; PostgreSQL lets the database's owner create one
# whose control file says `trusted`. So the server finds a copy that says so.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.html
# https://www.postgresql.org/docs/18/runtime-config-client.html#GUC-EXTENSION-CONTROL-PATH
EXTENSION = "pg_stat_statements"

# Durability is off because the data never outlives its server: a crash of the machine loses nothing.
SETTINGS = """
listen_addresses = '{host}'
port = {{port}}
unix_socket_directories = ''
max_connections = 200
shared_preload_libraries = '{extension}'
extension_control_path = '{extensions}:$system'
ssl = on
ssl_ca_file = '{authority}'
ssl_cert_file = '{chain}'
ssl_key_file = '{key}'
ssl_min_protocol_version = 'TLSv1.2'
password_encryption = 'scram-sha-256'
log_connections = 'authorization'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = '1GB'
archive_mode = on
archive_command = '{no_archive}'
"""

# The write-ahead log is archived beside the data, while there are backups: a segment as soon as it is full or a second
# old, and small, so that it costs little. A name without suffix is a whole segment.
# https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-ARCHIVING-WAL
ARCHIVE = "archive"
SEGMENT_MIB = 1
ARCHIVE_SECONDS = 1
TO_ARCHIVE = f"cp %p ../{ARCHIVE}/%f.part && mv ../{ARCHIVE}/%f.part ../{ARCHIVE}/%f"
NO_ARCHIVE = "true"

# What a server replays before it accepts writes: the segments in `wal`, beside the data, up to the target.
# https://www.postgresql.org/docs/18/runtime-config-wal.html#RUNTIME-CONFIG-WAL-RECOVERY-TARGET
REPLAYED = "wal"
RECOVERY = """
restore_command = 'cp ../{replayed}/%f %p'
recovery_target_action = 'promote'
{target}
"""

ACCESS = "hostssl all all all scram-sha-256\n"  # no line for plain connections, as with rds.force_ssl = 1

# The name in the certificate of the endpoint that verifies IAM tokens, and of the map that trusts it.
IAM_CLIENT = "rds-iam"

# Behind such an endpoint members of rds_iam cannot log in with a password, as on RDS, except the master:
# in PostgreSQL, a role that may grant another role is a member of it, and RDS's master may grant rds_iam.
ACCESS_BEHIND_ENDPOINT = f"""
hostssl all +rds_superuser all scram-sha-256
hostssl all +rds_iam all cert map={IAM_CLIENT}
{ACCESS}"""
IDENTITIES = f"{IAM_CLIENT} {IAM_CLIENT} all\n"

# The master user is made a member of rds_superuser. Source: Amazon RDS user guide, "Understanding the
# rds_superuser role" and "Creating a database account using IAM authentication".
ROLES = """
CREATE ROLE rds_superuser NOLOGIN CREATEROLE CREATEDB;
CREATE ROLE rds_iam NOLOGIN;
GRANT pg_monitor, pg_signal_backend, pg_checkpoint, rds_iam TO rds_superuser WITH ADMIN OPTION;
"""

# Until its superuser has the region's password, a restored server lets in only who has the endpoint's certificate.
ACCESS_WHILE_RESTORED = f"hostssl all postgres all cert map={IAM_CLIENT}\n"


def settings(host: str, files: dict[str, str]) -> str:
    """The settings of a server on a host, with a gap for its {port}.

    Args:
        files: paths of `authority`, `chain`, `key` and `extensions`.
    """
    return SETTINGS.format(host=host, extension=EXTENSION, no_archive=NO_ARCHIVE, **files)


def recovery(target: str) -> str:
    """The settings of a server that replays the write-ahead log up to a target, a line of its own."""
    return RECOVERY.format(replayed=REPLAYED, target=target)
