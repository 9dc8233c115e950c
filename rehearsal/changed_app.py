"""The CDK application of the rehearsal's environment, with changes of its configuration: `-c changes=NAME,NAME`."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from types import MappingProxyType

import application
import config
from application import Container, Known
from environment import Environment

_KEY = "helius-api-key"


def _without_site(environment: Environment) -> Environment:
    """An operator whose site is hosted elsewhere: Coral is the load balancer's target."""
    kept = (container for container in environment.containers if container.name != "web")
    return _with(
        environment,
        (replace(one, is_load_balanced=True) if one.name == "coral-server" else one for one in kept),
    )


def _without_agent(environment: Environment) -> Environment:
    return _with(environment, (one for one in environment.containers if one.name != "agent-cz"))


def _without_prompts(environment: Environment) -> Environment:
    def without(one: Container) -> Container:
        rest = {variable: value for variable, value in one.environment.items() if value is not Known.BUCKET}
        return replace(one, environment=MappingProxyType(rest))

    return _with(environment, map(without, environment.containers))


def _without_key(environment: Environment) -> Environment:
    def without(one: Container) -> Container:
        rest = {variable: name for variable, name in one.secrets.items() if name != _KEY}
        return replace(one, secrets=MappingProxyType(rest))

    changed = _with(environment, map(without, environment.containers))
    application.SECRETS = tuple(secret for secret in application.SECRETS if secret.name != _KEY)
    return changed


CHANGES: dict[str, Callable[[Environment], Environment]] = {
    "protected": lambda environment: replace(environment, is_protected=True),
    "unprotected": lambda environment: replace(environment, is_protected=False),
    "moved": lambda environment: replace(
        environment,
        home_region=environment.recovery_region,
        recovery_region=environment.home_region,
        region=environment.recovery_region,
        recovery="none",  # the former system has the names of a standby
        standby_load_balancer=False,
    ),
    "without-copies": lambda environment: replace(environment, recovery="none", standby_load_balancer=False),
    "without-replica": lambda environment: replace(environment, has_replica=False),
    "without-domain": lambda environment: replace(
        environment, domain=None, hosted_zone_id=None, standby_load_balancer=False
    ),
    "without-site": _without_site,
    "without-agent": _without_agent,
    "without-prompts": _without_prompts,
    "without-key": _without_key,
}


def changed(environment: Environment, *names: str) -> Environment:
    """The environment with these CHANGES.

    "without-key" also takes the key out of `application.SECRETS`, as an operator would.
    """
    for name in names:
        environment = CHANGES[name](environment)
    return environment


def _with(environment: Environment, containers: Iterable[Container]) -> Environment:
    return replace(environment, containers=tuple(containers))


if __name__ == "__main__":
    import aws_cdk as cdk

    from app import main

    names = str(cdk.App().node.get_context("changes")).split(",")
    config.ENVIRONMENTS["rehearsal"] = changed(config.REHEARSAL, *names)
    main()
