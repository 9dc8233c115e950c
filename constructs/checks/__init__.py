"""The scheduled checks: one module for each folder of ops_lambdas/, with all that it needs in AWS."""
