"""Application Auto Scaling of the service: by CPU, by memory, and to zero in off-hours."""

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_ecs as ecs

from environment_parts import OffHours, Scaling

SCALE_OUT_COOLDOWN = Duration.seconds(60)
SCALE_IN_COOLDOWN = Duration.seconds(300)


def scale(service: ecs.FargateService, scaling: Scaling) -> ecs.ScalableTaskCount:
    """Scale `service` between its minimum and maximum of tasks, by its CPU and memory targets."""
    tasks = service.auto_scale_task_count(min_capacity=scaling.min_tasks, max_capacity=scaling.max_tasks)
    tasks.scale_on_cpu_utilization(
        "Cpu",
        target_utilization_percent=scaling.cpu_target_percent,
        scale_out_cooldown=SCALE_OUT_COOLDOWN,
        scale_in_cooldown=SCALE_IN_COOLDOWN,
    )
    tasks.scale_on_memory_utilization(
        "Memory",
        target_utilization_percent=scaling.memory_target_percent,
        scale_out_cooldown=SCALE_OUT_COOLDOWN,
        scale_in_cooldown=SCALE_IN_COOLDOWN,
    )
    if scaling.off_hours:
        _stop_in_off_hours(tasks, scaling, scaling.off_hours)
    return tasks


def _stop_in_off_hours(tasks: ecs.ScalableTaskCount, scaling: Scaling, off_hours: OffHours) -> None:
    zone = TimeZone.of(off_hours.time_zone)
    tasks.scale_on_schedule(
        "Stop",
        schedule=autoscaling.Schedule.cron(hour=str(off_hours.stop_hour), minute="0"),
        time_zone=zone,
        min_capacity=0,
        max_capacity=0,
    )
    tasks.scale_on_schedule(
        "Start",
        schedule=autoscaling.Schedule.cron(
            hour=str(off_hours.start_hour), minute="0", week_day=",".join(off_hours.start_days)
        ),
        time_zone=zone,
        min_capacity=scaling.min_tasks,
        max_capacity=scaling.max_tasks,
    )
