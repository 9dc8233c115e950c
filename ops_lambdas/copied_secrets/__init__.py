"""Copied secrets: in a recovered region, the copies of the home region's secrets become its own."""
