"""The scheduled checks: a folder for each, and `shared` for what they have in common."""
