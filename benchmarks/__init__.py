"""pm2sd beside PM2, measured in one run; only ratios carry over to another machine."""
