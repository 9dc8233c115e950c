"""CloudFormation's table of the resource types that MiniStack refuses, and names that differ between regions.

A type is either provisioned for real, by MiniStack's own service, or only recorded: then its line in
placeholders.jsonl shows that the rehearsal proves nothing about it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services import (
    account_limits,
    application_auto_scaling,
    backup,
    cloudwatch,
    ec2,
    ecs,
    restore_testing,
    route53_health_checks,
    secret_rotation,
    secrets_manager,
    sns_topics,
)
from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties, resource

ARN = "arn:aws:{service}:{region}:{account}:{resource}/{id}"

REAL: dict[str, Handler] = {
    **account_limits.HANDLERS,
    **application_auto_scaling.HANDLERS,
    **backup.HANDLERS,
    **cloudwatch.HANDLERS,
    **ec2.HANDLERS,
    **ecs.HANDLERS,
    **restore_testing.HANDLERS,
    **route53_health_checks.HANDLERS,
    **secret_rotation.HANDLERS,
    **secrets_manager.HANDLERS,
    **sns_topics.HANDLERS,
}

# Type: (property that names it, its attributes). "" as the name: Ref is the ARN.
PLACEHOLDERS: dict[str, tuple[str, Attributes]] = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("", {"Arn": "{arn}"}),
    "AWS::CE::AnomalySubscription": ("", {"SubscriptionArn": "{arn}"}),
    "AWS::CloudTrail::Trail": ("TrailName", {"Arn": "{arn}", "SnsTopicArn": ""}),
    "AWS::Events::Archive": ("ArchiveName", {"Arn": "{arn}"}),
    "AWS::IAM::OIDCProvider": ("", {"Arn": "{arn}"}),
    "AWS::Logs::QueryDefinition": ("", {"QueryDefinitionId": "{id}"}),
    "AWS::RDS::EventSubscription": ("SubscriptionName", {}),
    "AWS::SSM::Document": ("Name", {}),
    "AWS::SecretsManager::ResourcePolicy": ("", {"Id": "{arn}"}),
    "AWS::WAFv2::WebACLAssociation": ("", {}),
}


def register(record_file: Path) -> None:
    """Add the types to MiniStack's CloudFormation, and make automatic names differ between regions."""
    handlers = provisioners._RESOURCE_HANDLERS
    handlers |= REAL
    for type_name, (name_property, attributes) in PLACEHOLDERS.items():
        handlers[type_name] = placeholder(type_name, name_property, attributes, record_file)
    salt_names()


def placeholder(type_name: str, name_property: str, attributes: Attributes, record_file: Path) -> Handler:
    """A handler that records the resource and returns plausible attributes."""

    def create(logical_id: str, props: Properties, stack: str) -> tuple[str, Attributes]:
        name = props.get(name_property) or provisioners._physical_name(stack, logical_id)
        _, service, kind = type_name.lower().split("::")
        values = {"region": get_region(), "account": get_account_id(), "id": name}
        arn = ARN.format(service=service, resource=kind, **values)
        line = {"region": get_region(), "type": type_name, "logical_id": logical_id, "stack": stack}
        with record_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        filled = {key: text.format(arn=arn, **values) for key, text in attributes.items()}
        return (arn if "{arn}" in attributes.values() and not name_property else name), filled

    def update(
        physical_id: str, _old: Properties, new: Properties, stack: str, logical_id: str
    ) -> tuple[str, Attributes]:
        return physical_id, create(logical_id, new, stack)[1]

    return resource(create, update=update)


def salt_names() -> None:
    """Hash the region into automatic names: MiniStack's would be equal in two regions, and IAM has none."""
    physical_name = provisioners._physical_name

    def salted(stack: str, logical_id: str, **options: Any) -> str:
        name = str(physical_name(stack, logical_id, **options))
        prefix, suffix = name[:-13], name[-13:]
        digest = hashlib.sha256(f"{get_region()}:{suffix}".encode()).hexdigest()[:13]
        return prefix + (digest if options.get("lowercase") else digest.upper())

    provisioners._physical_name = salted
