"""Lambda functions: the asset with the checks' code, and the role that a function runs with."""
