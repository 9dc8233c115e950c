"""The images of the tag that is going to be deployed, for the platform of the task."""

import json
from collections.abc import Iterator
from typing import Any

import urllib3
from botocore.exceptions import ClientError

from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment

_MANIFESTS = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json")
_INDEXES = ("application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json")
# The task definition's word -> the image's. https://github.com/opencontainers/image-spec/blob/main/config.md
_ARCHITECTURES = {"X86_64": "amd64", "ARM64": "arm64"}
_SECONDS = 10


class UnreadableImageError(Exception):
    """The image's configuration cannot be downloaded."""


def images(aws: Deployment) -> Iterator[Finding]:
    """Each repository has an image under the tag that runs on the task's platform."""
    environment = aws.environment
    family = environment.names.task_family
    task = next(one for _, _, one in aws.resources("AWS::ECS::TaskDefinition") if one["Family"] == family)
    wanted = f"linux/{_ARCHITECTURES[task['RuntimePlatform']['CpuArchitecture']]}"
    for name in sorted({container.repository for container in environment.containers}):
        repository = environment.names.repository(name)
        image = f"{repository}:{environment.image_tag}"
        if not aws.stands("registry"):
            names = environment.names
            mend = f'make deploy {aws.options} STACKS="{names.stack("registry")} {names.stack("secrets")}"'
            yield _finding(image, State.NOT_YET, "there is no repository yet", mend)
            continue
        try:
            platforms = _platforms(aws.client("ecr"), repository, environment.image_tag)
        except UnreadableImageError as error:
            yield _finding(
                image, State.NOT_YET, f"its platform is not known: {error}", f"docker manifest inspect {image}"
            )
            continue
        if not platforms:
            mend = "Push it: README, Deploy to a real account, step 3"
            yield _finding(image, aws.unless_later("service"), "there is none", mend)
        elif wanted not in platforms:
            mend = f"docker build --platform {wanted}, and push it under another tag"
            found = f"for {', '.join(sorted(platforms))}, the task runs {wanted}"
            yield _finding(image, aws.unless_later("service"), found, mend)
        else:
            yield _finding(image, State.HOLDS, f"for {wanted}")


def _finding(image: str, state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="images", subject=image, state=state, found=found, mend=mend)


def _platforms(ecr: Any, repository: str, tag: str) -> set[str]:
    """Platforms of the image, from its index or its configuration; none when there is no image."""
    accepted = [*_MANIFESTS, *_INDEXES]
    try:
        answer = ecr.batch_get_image(
            repositoryName=repository, imageIds=[{"imageTag": tag}], acceptedMediaTypes=accepted
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "RepositoryNotFoundException":
            raise
        return set()
    found = set()
    for image in answer["images"]:
        manifest = json.loads(image["imageManifest"])
        platforms = [one["platform"] for one in manifest.get("manifests", ()) if "platform" in one]
        if "config" in manifest:
            url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=manifest["config"]["digest"])
            platforms = [_configuration(url["downloadUrl"])]
        found |= {f"{one['os']}/{one['architecture']}" for one in platforms}
    return found


def _configuration(url: str) -> dict[str, str]:
    try:
        answer = urllib3.request("GET", url, timeout=_SECONDS, retries=1)
        configuration = json.loads(answer.data)
        return {key: configuration[key] for key in ("os", "architecture")}
    except (urllib3.exceptions.HTTPError, ValueError, KeyError) as error:
        raise UnreadableImageError(str(error)) from error
