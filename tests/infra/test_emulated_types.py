"""The emulated AWS has every resource type that is deployed, so that a missing one shows before a rehearsal."""

from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services.cloudformation_resources import PLACEHOLDERS, REAL
from tests.infra.conftest import Deployment


def test_every_deployed_type_has_a_handler(deployment: Deployment) -> None:
    types = {r["Type"] for template in deployment.templates.values() for r in template["Resources"].values()}
    known = {*provisioners._RESOURCE_HANDLERS, *REAL, *PLACEHOLDERS, "AWS::CDK::Metadata"}
    missing = {type_ for type_ in types if type_ not in known and not type_.startswith("Custom::")}
    assert not missing, f"docs/how-to/add-a-resource-type.md shows how to add {', '.join(sorted(missing))}"


def test_no_placeholder_stands_for_a_type_that_the_emulator_has() -> None:
    """Each is a type that MiniStack lacks; an upgrade of MiniStack may add it."""
    assert not PLACEHOLDERS.keys() & (provisioners._RESOURCE_HANDLERS.keys() | REAL.keys())
