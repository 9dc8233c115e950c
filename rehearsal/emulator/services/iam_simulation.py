"""IAM's simulation of policies, with conditions and for each resource.

MiniStack's takes the first resource only, and no context.
"""

from html import escape
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny"}


def register() -> None:
    """Replace the simulation of a principal's policies."""
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulate


def simulate(parameters: Any) -> Any:
    """Answer as IAM does: a result for each action, in it one for each resource, unless that is "*".

    Source: IAM API reference, SimulatePrincipalPolicy, EvaluationResult, ResourceSpecificResult.
    """
    arn = iam._p(parameters, "PolicySourceArn")
    name = arn.rpartition("/")[2]
    if iam._roles.get(name) is None:
        return iam._error(404, "NoSuchEntity", f"Role {arn} does not exist or is not attachable.", ns="iam")
    policies = iam_evaluator._gather_role_policies(name, get_account_id())
    resources = members(parameters, "ResourceArns") or ["*"]
    context = {
        key.lower(): members(parameters, f"ContextEntries.member.{number}.ContextKeyValues")
        for number, key in enumerate(keys(parameters), start=1)
    }
    results = "".join(
        result(arn, policies, action, resources, context) for action in members(parameters, "ActionNames")
    )
    body = f"<SimulatePrincipalPolicyResult><EvaluationResults>{results}</EvaluationResults>"
    body += "<IsTruncated>false</IsTruncated></SimulatePrincipalPolicyResult>"
    return iam._xml(200, "SimulatePrincipalPolicyResponse", body, ns="iam")


def result(arn: str, policies: Any, action: str, resources: list[str], context: dict[str, list[str]]) -> str:
    """One action's result; where there are resources, its own decision is the most restrictive of theirs."""
    missing = "".join(f"<member>{escape(key)}</member>" for key in missing_keys(policies, action, context))
    decisions = {one: decide(arn, policies, action, one, context) for one in resources}
    specific = "".join(
        f"<member><EvalResourceName>{escape(one)}</EvalResourceName><EvalResourceDecision>{decision}"
        f"</EvalResourceDecision><MissingContextValues>{missing}</MissingContextValues></member>"
        for one, decision in decisions.items()
        if one != "*"
    )
    order = ("explicitDeny", "implicitDeny", "allowed")
    return (
        f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>*</EvalResourceName>"
        f"<EvalDecision>{min(decisions.values(), key=order.index)}</EvalDecision>"
        f"<MissingContextValues>{missing}</MissingContextValues>"
        f"<ResourceSpecificResults>{specific}</ResourceSpecificResults></member>"
    )


def decide(arn: str, policies: Any, action: str, resource: str, context: dict[str, list[str]]) -> str:
    """The decision for one resource."""
    asked = iam_evaluator.EvalContext(
        principal_arn=arn,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={key: values[0] if len(values) == 1 else values for key, values in context.items()},
    )
    return DECISIONS.get(iam_evaluator.evaluate(asked, policies).decision, "implicitDeny")


def missing_keys(policies: Any, action: str, context: dict[str, list[str]]) -> list[str]:
    """Condition keys of the statements about an action that the request does not have."""
    found = {
        key
        for policy in policies
        for statement in policy
        if any(iam_evaluator.fnmatch_iam(action, one) for one in statement.actions)
        for conditions in statement.conditions.values()
        for key in conditions
    }
    return sorted(key for key in found if key.lower() not in context)


def members(parameters: Any, name: str) -> list[str]:
    """A list of the query protocol."""
    found: list[str] = []
    while value := iam._p(parameters, f"{name}.member.{len(found) + 1}"):
        found.append(str(value))
    return found


def keys(parameters: Any) -> list[str]:
    """Names of the context keys, in order."""
    found: list[str] = []
    while value := iam._p(parameters, f"ContextEntries.member.{len(found) + 1}.ContextKeyName"):
        found.append(str(value))
    return found
