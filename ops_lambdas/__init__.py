"""The scheduled checks: a folder for each, and `shared` for what they have in common."""

import gc

# A cold start makes hundreds of thousands of objects, which all stay: garbage collections among them would take 8 % of
# its time. The garbage that can collect below this threshold is some tens of MB.
gc.set_threshold(200_000)
