"""The machine: the user manager, unit files, the journal, cgroups. Knows nothing of PM2."""
