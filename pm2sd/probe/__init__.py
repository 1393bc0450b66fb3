"""The checks of apps: whether one is ready, answers, is idle.

They run beside the units, from a copy, with Python's own library alone (2 ms to start), and end
after each round.
"""

NOT_IN_TIME = 124
"""The exit status of a check of ``ready`` that gave up, as of timeout(1)."""

RESTARTED = "26fcdbc65ce049cc932cba431c64302c"
"""The MESSAGE_ID with which the journal has a restart by ``health``."""
