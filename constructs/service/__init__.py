"""The ECS service: task definition, autoscaling, load balancer, certificate, DNS record."""
