"""What stands beside the costs in a report: the list price of what is deployed, and what could go."""

from ops_lambdas.cost_report import core
from ops_lambdas.cost_report.deployed import Deployed, DeployedError
from ops_lambdas.cost_report.explorer import TagState
from ops_lambdas.cost_report.findings import Comparison, CouldGo, Tolerance
from ops_lambdas.cost_report.list_price import compare
from ops_lambdas.cost_report.savings import savings
from ops_lambdas.cost_report.settings import Settings
from ops_lambdas.cost_report.survey import Survey

__all__ = ["Deployed", "compared", "could_go"]


def compared(config: Settings, costs: core.Report, tag: TagState, deployed: Deployed) -> Comparison:
    """Compare with the list price of what is deployed; a comparison that cannot be made says why."""
    if tag != "active":
        return Comparison(why_not="these are not only this environment's costs")
    if costs.costs.currency != core.BAND_CURRENCY:
        return Comparison(why_not=f"list prices are in {core.BAND_CURRENCY}")
    tolerance = Tolerance(config.cost_tolerance_percent, config.cost_tolerance_usd)
    period = costs.periods.reported
    try:
        return compare(costs.costs, period, deployed.price(), tasks=deployed.average_tasks(period), tolerance=tolerance)
    except DeployedError as error:
        return Comparison(why_not=str(error))


def could_go(config: Settings, deployed: Deployed) -> CouldGo:
    """Look for what could go; what cannot be looked at is named."""
    try:
        facts = Survey(config.environment, deployed.templates).facts()
        found = savings(facts, deployed.templates, deployed.price(), deployed.prices)
    except (DeployedError, LookupError) as error:
        return CouldGo(unknown=(str(error),))
    return CouldGo(found, facts.unknown)
