"""How long what we make takes, side by side with what it is to be compared with."""
