"""Regions that are lost: their services do not answer, and neither does what has its control plane in one of them.

IAM, Route 53, the creation of S3 buckets and, by way of Route 53, DNS validation of ACM have theirs in us-east-1. What
exists goes on: credentials and permissions, DNS answers and failover, other regions' buckets, keys and secrets.
Load balancers and DB instances can be created elsewhere here. On AWS that may fail, too: their names are records of
Route 53.
https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html
https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/appendix-a---partitional-service-guidance.html
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from hypercorn.typing import ASGIFramework
from ministack.core.responses import error_response_json, get_region
from ministack.core.router import extract_signed_region
from ministack.services import acm, eventbridge
from ministack.services.cloudformation import stacks

FILE = "lost-regions.json"  # in the emulator's folder: a list of regions
CONTROL_PLANES = "us-east-1"
GLOBAL = {"account", "budgets", "ce", "iam", "organizations", "route53"}  # answer there, whatever the client's region
TYPES = ("AWS::IAM::", "AWS::Route53::")  # whose control plane is there
BUCKET = "AWS::S3::Bucket"
CERTIFICATE = "AWS::CertificateManager::Certificate"
XML_SERVICES = {  # by the name that requests are signed with
    *("cloudformation", "ec2", "elasticloadbalancing", "iam", "monitoring", "rds", "route53", "s3", "sns", "sts"),
}
TEXT = "Service Unavailable"


@dataclass(frozen=True)
class LostRegions:
    """What the file says now.

    Args:
        file: a list of regions in JSON; none is lost while it does not exist.
    """

    file: Path

    def is_lost(self, region: str) -> bool:
        """Whether the region is lost."""
        return self.file.exists() and region in json.loads(self.file.read_text(encoding="utf-8"))

    def register(self) -> None:
        """Fail resources and certificates, and fire no schedule or rule of a lost region."""
        self._guard_resources()
        invoke, request_certificate = eventbridge._invoke_target, acm._request_certificate

        def invoke_or_not(*args: Any, **keywords: Any) -> Any:
            return None if self.is_lost(get_region()) else invoke(*args, **keywords)

        def request_or_fail(data: dict[str, Any]) -> Any:
            if is_validated_by_dns(data) and self.is_lost(CONTROL_PLANES):
                return error_response_json("ServiceUnavailable", TEXT, 503)
            return request_certificate(data)

        eventbridge._invoke_target = invoke_or_not
        acm._request_certificate = request_or_fail

    def answering(self, application: ASGIFramework) -> ASGIFramework:
        """Answer for the lost regions in front of MiniStack: 503, with the code ServiceUnavailable."""

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or not self._is_refused(scope):
                await application(scope, receive, send)
                return
            headers, body = unavailable(scope)
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return answer

    def refusal(self, type_name: str, props: dict[str, Any], *, is_new: bool) -> str | None:
        """Why CloudFormation cannot create, change or delete a resource now; None if it can."""
        is_validated = type_name == CERTIFICATE and is_validated_by_dns(props)
        is_central = type_name.startswith(TYPES) or (is_new and (type_name == BUCKET or is_validated))
        if self.is_lost(get_region()) or (is_central and self.is_lost(CONTROL_PLANES)):
            return f"{TEXT} (Service: {type_name.split('::')[1]}, Status Code: 503)"
        return None

    def _is_refused(self, scope: Any) -> bool:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        region = extract_signed_region(headers, parse_qs(scope["query_string"].decode()))
        if region is None:
            return False
        service = signed_service(headers)
        if service in GLOBAL or (service == "s3" and scope["method"] == "PUT" and is_bucket(scope)):
            return self.is_lost(CONTROL_PLANES) or (service not in GLOBAL and self.is_lost(region))
        return self.is_lost(region)

    def _guard_resources(self) -> None:
        """Ask before CloudFormation creates, changes or deletes a resource."""
        provision, update, delete = stacks._provision_resource, stacks._update_resource, stacks._delete_resource

        def check(type_name: str, props: dict[str, Any], *, is_new: bool = False) -> None:
            reason = self.refusal(type_name, props, is_new=is_new)
            if reason:
                raise ValueError(reason)

        def provision_if_there(type_name: str, logical_id: str, props: dict[str, Any], stack: str) -> Any:
            check(type_name, props, is_new=True)
            return provision(type_name, logical_id, props, stack)

        def update_if_there(type_name: str, id_: str, old: dict[str, Any], new: dict[str, Any], *more: Any) -> Any:
            if old != new:
                check(type_name, new)
            return update(type_name, id_, old, new, *more)

        def delete_if_there(type_name: str, id_: str, props: dict[str, Any], *more: Any) -> Any:
            check(type_name, props)
            return delete(type_name, id_, props, *more)

        stacks._provision_resource = provision_if_there
        stacks._update_resource = update_if_there
        stacks._delete_resource = delete_if_there


def is_validated_by_dns(properties: dict[str, Any]) -> bool:
    """Whether a certificate needs a record in Route 53 before it is issued."""
    return properties.get("ValidationMethod") == "DNS"


def signed_service(headers: dict[str, str]) -> str:
    """The service that a request is signed for; "" for one that is not."""
    credential = headers.get("authorization", "").partition("Credential=")[2].partition(",")[0]
    parts = credential.split("/")
    return parts[3] if len(parts) == 5 else ""


def is_bucket(scope: Any) -> bool:
    """Whether a request to S3 is about a bucket as such, not about an object or a setting."""
    return "/" not in scope["path"].strip("/") and not scope["query_string"]


def unavailable(scope: Any) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of the answer, in the form that the service's clients read."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    service = signed_service(headers)
    error = f"<Error><Code>ServiceUnavailable</Code><Message>{TEXT}</Message></Error>"
    if service in XML_SERVICES and "x-amz-target" not in headers:
        kind, text = "text/xml", error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
    else:
        kind, text = "application/json", json.dumps({"__type": "ServiceUnavailable", "message": TEXT})
    body = b"" if scope["method"] == "HEAD" else text.encode()
    return [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-errortype", b"ServiceUnavailable"),
    ], body
