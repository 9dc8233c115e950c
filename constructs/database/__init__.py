"""RDS PostgreSQL: instance, read replica, parameters, log groups, credentials."""
