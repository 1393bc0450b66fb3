"""``python -I -S DIRECTORY WHAT ...``: what the units of apps run. See the modules of WHAT."""

from __future__ import annotations

import sys


def main(what: str, arguments: list[str]) -> int:
    """Run one of the checks; its exit status."""
    if what in ("ready", "mark"):
        from pm2sd.probe import ready

        return ready.main(arguments) if what == "ready" else ready.mark(arguments)
    if what == "health":
        from pm2sd.probe import health

        return health.main(arguments)
    if what == "alerts":
        from pm2sd.probe import alerts

        return alerts.main(arguments)
    if what == "failed":
        from pm2sd.probe import failed

        return failed.main(arguments)
    from pm2sd.probe import idle

    return idle.main(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
