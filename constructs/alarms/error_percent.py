"""The percentage of requests that failed."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from constructs.common.cloudwatch_metrics import SUM
from constructs.service.load_balancer import LoadBalancer


def error_percent(front: LoadBalancer, min_requests: int, *, period: Duration) -> cloudwatch.MathExpression:
    """Percent of requests that failed, in tasks or in the load balancer; 0 when there were too few requests.

    RequestCount leaves out requests that no task was chosen for, so the load balancer's own errors are added to
    it. Those after a task was chosen count twice, which turns 5 % into 4.8 %.
    """
    requests, own = "FILL(requests, 0)", "FILL(balancer, 0)"
    return cloudwatch.MathExpression(
        expression=f"IF({requests} + {own} >= {min_requests}, "
        f"100 * (FILL(targets, 0) + {own}) / ({requests} + {own}), 0)",
        using_metrics={
            "requests": front.target_metric("RequestCount", period=period, statistic=SUM),
            "targets": front.target_metric("HTTPCode_Target_5XX_Count", period=period, statistic=SUM),
            "balancer": front.load_balancer.metrics.http_code_elb(
                elbv2.HttpCodeElb.ELB_5XX_COUNT, period=period, statistic=SUM
            ),
        },
        label="errors, %",
        period=period,
    )
