"""What is deployed costs a month, by list price."""

import json

from prices.estimate import Estimate, estimate
from prices.table import UnpricedError, list_prices
from rehearsal.report.facts import Price, Step
from rehearsal.run import NAMES, Region, Run


def priced(run: Run, region: Region) -> Estimate:
    """Price the deployed templates.

    Raises:
        UnpricedError: the list has no prices of this region.
    """
    cloudformation = run.client("cloudformation", region)
    bodies = {
        stack.removeprefix(f"{NAMES.prefix}-"): cloudformation.get_template(StackName=stack)["TemplateBody"]
        for stack in NAMES.stacks
    }
    templates = {layer: json.loads(body) if isinstance(body, str) else body for layer, body in bodies.items()}
    return estimate(templates, list_prices(region.name))


def show(run: Run, region: Region, step: Step) -> None:
    """Report the price at the fewest and the most tasks, and of what is there for operations."""
    try:
        deployed = priced(run, region)
    except UnpricedError as error:
        step.detail = str(error)
        return
    price = Price(
        region=region.name,
        at_min_tasks_usd=round(deployed.usd(deployed.min_tasks), 2),
        at_max_tasks_usd=round(deployed.usd(deployed.max_tasks), 2),
        operations_usd=round(deployed.operations_usd, 2),
        by_service_usd={name: round(usd, 2) for name, usd in deployed.by_service(deployed.min_tasks).items()},
    )
    run.report.prices.append(price)
    step.detail = (
        f"{price.at_min_tasks_usd:,.2f} USD a month at {deployed.min_tasks:g} tasks, "
        f"{price.at_max_tasks_usd:,.2f} at {deployed.max_tasks:g}"
    )
