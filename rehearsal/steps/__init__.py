"""The steps of a rehearsal, one file each in the order of `rehearsal.story`, and what several of them use."""
