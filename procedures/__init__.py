"""What an operator does by hand, each with one command."""
