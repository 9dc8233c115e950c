"""What an operator runs by hand, each with one command."""
