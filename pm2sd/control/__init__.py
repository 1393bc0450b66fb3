"""Changing things: apply and the lifecycle verbs. Knows how to carry a plan out, prints nothing."""
