"""Desired, on disk, running: what has to change. Pure."""
