"""Image repositories of the application."""

from collections.abc import Iterable

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ecr as ecr

from application import CANDIDATE_PREFIX
from constructs import Construct
from names import Names


class Repositories(Construct):
    """A repository for each of `images`: scanned on push, tags immutable, encrypted.

    A deployment uses a tag, so released tags are kept for good. Untagged images expire after 7 days, candidates
    (`candidate-…`, which cannot be deployed) after 30.

    Attributes: by_image.
    """

    def __init__(
        self, scope: Construct, id: str, *, names: Names, images: Iterable[str], removal_policy: RemovalPolicy
    ) -> None:
        super().__init__(scope, id)
        self.by_image = {
            image: ecr.Repository(
                self,
                image,
                repository_name=names.repository(image),
                image_scan_on_push=True,
                image_tag_mutability=ecr.TagMutability.IMMUTABLE,
                encryption=ecr.RepositoryEncryption.KMS,
                removal_policy=removal_policy,
                empty_on_delete=removal_policy is RemovalPolicy.DESTROY,
                lifecycle_rules=[
                    ecr.LifecycleRule(
                        description="Images that lost their tag",
                        tag_status=ecr.TagStatus.UNTAGGED,
                        max_image_age=Duration.days(7),
                    ),
                    ecr.LifecycleRule(
                        description="Candidates, never deployed",
                        tag_prefix_list=[CANDIDATE_PREFIX],
                        max_image_age=Duration.days(30),
                    ),
                ],
            )
            for image in dict.fromkeys(images)
        }
