"""Database role: creates the role that the checks log in as, with the privileges they need and no more."""
