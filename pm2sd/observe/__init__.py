"""Looking at apps: what systemd, cgroups, the journal and log files say. Changes nothing."""
