"""What is to be protected, and the stack policy. Values in, values out."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_ALLOW_ALL = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


@dataclass(frozen=True)
class Stack:
    """A stack as CloudFormation describes it."""

    name: str
    status: str
    is_protected: bool

    @property
    def is_settled(self) -> bool:
        """Whether it was created with success and no operation is under way.

        A stack whose creation failed must stay deletable, or it could not be deployed again. One that is being
        deployed follows when its deployment has ended.
        """
        return self.status.endswith("_COMPLETE") and self.status not in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE")


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        switched: protections that were not as configured, and are now.
        waiting: those that their resource's state does not allow yet; the next run tries again.
        failed: those that could not be read or switched, with the reason.
        unsettled: stacks that do not exist or are being deployed, deleted or recovered; what they hold is left alone.
    """

    switched: tuple[str, ...]
    waiting: tuple[str, ...]
    failed: tuple[str, ...]
    unsettled: tuple[str, ...]


def unsettled(names: Iterable[str], stacks: Iterable[Stack]) -> tuple[str, ...]:
    """The stacks that are left alone in this run, each with its status."""
    status = {stack.name: stack.status for stack in stacks}
    settled = {stack.name for stack in stacks if stack.is_settled}
    return tuple(f"{name}: {status.get(name, 'does not exist')}" for name in names if name not in settled)


def policy(kept: Iterable[str], *, is_protected: bool) -> str:
    """The stack policy: everything may be updated; when protected, `kept` neither replaced nor deleted.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
    """
    deny = {
        "Effect": "Deny",
        "Action": ["Update:Replace", "Update:Delete"],
        "Principal": "*",
        "Resource": [f"LogicalResourceId/{logical_id}" for logical_id in sorted(kept)],
    }
    return json.dumps({"Statement": [_ALLOW_ALL, *([deny] if is_protected else [])]})


def is_policy(body: str | None, wanted: str) -> bool:
    """Whether a stack's policy is the wanted one; a stack without a policy allows every update."""
    current: Mapping[str, Any] = json.loads(body) if body else {"Statement": [_ALLOW_ALL]}
    return bool(current == json.loads(wanted))
