"""Guards of what an environment spends, which belong to the account: a budget, and the detection of anomalies."""

import json

from aws_cdk import Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_ce as ce

from constructs import Construct
from environment import Environment

TAG = "Environment"


class Spending(Construct):
    """A budget at the environment's ceiling, of actual and forecast costs, and a monitor of its anomalies.

    Both look at costs with the tag `Environment`, and notify the alarm topic in the home region. The monitor is of the
    tag: of monitors over all services an account may have only one, which many have already.
    https://docs.aws.amazon.com/cost-management/latest/userguide/management-limits.html
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        self._name, self._prefix = environment.name, environment.prefix
        topic = environment.names.alarm_topic
        self._topic = f"arn:{Stack.of(self).partition}:sns:{environment.home_region}:{environment.account}:{topic}"
        if environment.cost_ceiling_usd is not None:
            self._budget(environment.cost_ceiling_usd)
        self._anomalies(environment.cost_tolerance_percent, environment.cost_tolerance_usd)

    def _budget(self, ceiling_usd: int) -> None:
        subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=self._topic)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=self._prefix,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=ceiling_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{TAG}${self._name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=100,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for kind in ("ACTUAL", "FORECASTED")
            ],
        )

    def _anomalies(self, percent: int, usd: int) -> None:
        monitor = ce.CfnAnomalyMonitor(
            self,
            "Anomalies",
            monitor_name=self._prefix,
            monitor_type="CUSTOM",
            monitor_specification=json.dumps({"Tags": {"Key": TAG, "Values": [self._name]}}),
        )
        limits = {"ANOMALY_TOTAL_IMPACT_ABSOLUTE": usd, "ANOMALY_TOTAL_IMPACT_PERCENTAGE": percent}
        both = [
            {"Dimensions": {"Key": key, "MatchOptions": ["GREATER_THAN_OR_EQUAL"], "Values": [str(limit)]}}
            for key, limit in limits.items()
        ]
        ce.CfnAnomalySubscription(
            self,
            "AnomalyEmails",
            subscription_name=self._prefix,
            frequency="IMMEDIATE",  # the only one for a topic
            monitor_arn_list=[monitor.attr_monitor_arn],
            subscribers=[ce.CfnAnomalySubscription.SubscriberProperty(type="SNS", address=self._topic)],
            threshold_expression=json.dumps({"And": both}),
        )
