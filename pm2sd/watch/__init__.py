"""The watcher of an app's files: ``python -m pm2sd.watch``, a small process of its own unit.

It imports little, for it stays in memory: no dataclasses (1.5 MB with all they import), no pathlib.
"""
