"""pm2sd runs PM2's ecosystem file on systemd."""

__version__ = "0.1.0"
