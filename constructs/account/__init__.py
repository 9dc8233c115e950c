"""What exists once in an account."""
