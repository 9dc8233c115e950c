"""What holds for every test."""

from hypothesis import HealthCheck, settings

# No test depends on the machine's speed: one example may take as long as it takes, and so may the making of them.
# Fixtures are shared by a test's examples: each example makes the rows and servers that it needs.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("any machine")
