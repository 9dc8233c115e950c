"""Recover the application in its recovery region: from what is there, to a site that answers."""
