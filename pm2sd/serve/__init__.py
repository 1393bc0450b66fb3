"""A server of static files: what ``pm2 serve`` starts, as one small process of Python.

It imports nothing else of pm2sd. Settings are PM2's variables (``PM2_SERVE_PORT`` ...).
"""
