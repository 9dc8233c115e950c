"""Settings of the migration's function, and what calls it."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ops_lambdas.shared.settings import EnvironmentName, Kind, ResourceName, SecretArn, matching

StateMachineArn = Annotated[
    str, matching(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[\w-]{1,80}", "the ARN of a state machine")
]
_STEPS = ("tables", "succeed", "fail")


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _step(value: object) -> str:
    if value not in _STEPS:
        raise ValueError
    return str(value)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the migration's function.

    Attributes:
        state_machine_arn: started by a request of CloudFormation.
        database_secret_arn: the owner's login.
        task_log_group: where the tasks write their log.
        container: of the tasks, whose name is part of the name of each log stream.
    """

    environment: EnvironmentName
    state_machine_arn: StateMachineArn
    database_secret_arn: SecretArn
    task_log_group: Annotated[str, matching(r"[\w./#-]{1,512}", "the name of a log group")]
    container: ResourceName


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of the state machine.

    Attributes:
        step: "tables" counts the database's tables; "succeed" and "fail" end the execution, and respond to
            CloudFormation when it requested the execution.
        input: of the execution; CloudFormation's request, or empty.
        error: of "fail": the state machine's error output, with `Error` and `Cause`.
    """

    step: Annotated[Literal["tables", "succeed", "fail"], Kind("tables, succeed or fail", _step)]
    input: Annotated[dict[str, Any], Kind("a JSON object", _object)]
    error: Annotated[dict[str, Any] | None, Kind("a JSON object", _object)] = None
