"""The emulated AWS has every resource type that is deployed, so that a missing one shows before a rehearsal."""

from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as MINISTACK

from rehearsal.emulator.services.cloudformation_resources import PLACEHOLDERS, REAL
from tests.infra.conftest import Deployment

# Types that MiniStack handles, and that we extend.
EXTENDED = {"AWS::SNS::Topic", "AWS::SecretsManager::Secret"}


def test_every_deployed_type_has_a_handler(deployment: Deployment) -> None:
    types = {r["Type"] for template in deployment.templates.values() for r in template["Resources"].values()}
    known = {*MINISTACK, *REAL, *PLACEHOLDERS, "AWS::CDK::Metadata"}
    missing = {type_ for type_ in types if type_ not in known and not type_.startswith("Custom::")}
    assert not missing, f"docs/how-to/add-a-resource-type.md shows how to add {', '.join(sorted(missing))}"


def test_no_handler_or_placeholder_is_for_a_type_that_ministack_has() -> None:
    """An upgrade of MiniStack may bring a type that only we had."""
    both = (MINISTACK.keys() & {*REAL, *PLACEHOLDERS}) - EXTENDED
    assert not both, f"MiniStack has {', '.join(sorted(both))}: remove ours from cloudformation_resources.py"
    assert not PLACEHOLDERS.keys() & REAL.keys()
