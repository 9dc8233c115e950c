"""Backup record on AWS: every hour, what the database holds is written where its loss does not matter."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.backup_record.settings import Settings
from ops_lambdas.shared import backup_records, contents
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.database import iam_login, reading, writing
from ops_lambdas.shared.settings import NoOptions, from_environment, from_event

_NAME = "backup_record"
_COUNT_SECONDS = 60  # every row of the tables is counted
_SECONDS = 80  # each of the two connections; of the function's three minutes

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Write the heartbeat, then record it with rows and newest ids of the tables. A second run makes a second record.

    Needs `rds-db:connect` as the checks' role, and what `backup_records.put` does.

    Raises:
        InvalidSettingError, TokenError, DatabaseError, RecordError: there is no record of this hour.
    """
    from_event(NoOptions, event)
    config = from_environment(Settings, os.environ)
    login = iam_login(config)
    with writing(login, application_name=_NAME, seconds=_SECONDS) as writer:
        contents.beat(writer)
    with reading(login, application_name=_NAME, statement_timeout_seconds=_COUNT_SECONDS, seconds=_SECONDS) as reader:
        record = contents.measured(reader)
    key = backup_records.put(config.record_bucket, record)
    rows = {name: table.rows for name, table in record.tables.items()}
    result = {"state": "recorded", "environment": config.environment, "record": key, "rows": rows}
    logger.info("Recorded", extra={"result": result})
    return result
