"""Containers: which containers of the running tasks do not run, and whether ECS is replacing tasks."""
