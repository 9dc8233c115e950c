"""GetTemplate as CloudFormation answers it: without the characters that it does not keep."""

import re
from typing import Any

from ministack.services.cloudformation import handlers


def register() -> None:
    """Answer `?` for each character that is not ASCII, so that a template with one differs from itself in a diff.

    Source: https://github.com/aws/aws-cdk/issues/10523.
    """
    get = handlers._ACTION_HANDLERS["GetTemplate"]

    def get_ascii(params: dict[str, Any]) -> Any:
        status, headers, body = get(params)
        return status, headers, re.sub(rb"[\xc0-\xff][\x80-\xbf]+", b"?", body)

    handlers._ACTION_HANDLERS["GetTemplate"] = get_ascii
