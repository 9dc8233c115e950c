"""The steps of a rehearsal, in the order in which `rehearsal.__main__` takes them."""
