"""The deployments of a recovery, in their order: what the site needs first, and what takes long last (decision 30)."""

import subprocess
from dataclasses import dataclass

from environment import Environment
from procedures.recover.source import RecoveryError


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One `cdk deploy`.

    Attributes:
        name: of the step, for an operator.
        layer: the stack that is deployed, after those that it depends on; None: all.
        database: "single": its instance alone; None: as configured.
    """

    name: str
    layer: str | None = None
    database: str | None = None

    def command(self, chosen: Environment) -> list[str]:
        """Its words. It asks nothing again: a recovery widens no permission."""
        context = {"environment": chosen.name, "region": chosen.region, "image_tag": chosen.image_tag}
        if self.database:
            context["database"] = self.database
        arguments = [word for key, value in context.items() for word in ("-c", f"{key}={value}")]
        stacks = chosen.names.stack(self.layer) if self.layer else "--all"
        # Without change sets, which nobody looks at now.
        options = ["--require-approval", "never", "--method", "direct", "--concurrency", "8"]
        return ["cdk", "deploy", stacks, *options, *arguments]

    def run(self, chosen: Environment) -> None:
        """Deploy the region as anybody would.

        Raises:
            RecoveryError: it failed.
        """
        code = subprocess.run(self.command(chosen), check=False).returncode  # noqa: S603 - the words are checked values
        if code:
            raise RecoveryError(f"cdk deploy ended with code {code}; mend what it names, and run make recover again")


SITE = Deployment(name="cdk deploy of the site", layer="service", database="single")
REST = Deployment(name="cdk deploy of what watches it", database="single")
WHOLE = Deployment(name="cdk deploy --all")
