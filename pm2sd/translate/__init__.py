"""App -> units and notes. Pure; the target's systemd version is a parameter."""
