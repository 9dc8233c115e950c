"""The scheduled checks: a folder for each, and `shared` for what they have in common."""

import gc

# A cold start makes objects by the hundred thousand that all stay; to look for garbage among them again and again,
# as Python does, takes 8 % of its time. What a run could leave lying about until then is some tens of MB.
gc.set_threshold(200_000)
