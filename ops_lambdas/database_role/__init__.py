"""Database role: makes the role that the checks log in as, with the rights they need and no more."""
