"""The stand-in for the application: one instance for each running task, and the SQL of its database."""

import re
from pathlib import Path

TABLES_SQL = Path(__file__).with_name("migrations") / "0001_tables.sql"
SEED_SQL = Path(__file__).with_name("seed.sql")
TABLES = tuple(re.findall(r'CREATE TABLE "(\w+)"', TABLES_SQL.read_text()))
