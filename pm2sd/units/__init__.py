"""Unit files: their model, their text, their names. Knows systemd and nothing of PM2."""
