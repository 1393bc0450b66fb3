"""The last an instance said, to be shown with its failure."""

from __future__ import annotations

from pm2sd.observe.known import Known
from pm2sd.observe.log_sources import sources
from pm2sd.observe.logs import Filter, Logs
from pm2sd.observe.plain_text import without_controls
from pm2sd.plan.select import Instance
from pm2sd.units import names


def last_words(unit: str, count: int, since: float = 0) -> list[str]:
    """The last lines an instance printed, or else what systemd said about it; oldest first.

    Those from before ``since``, in seconds since 1970, are of another run; of lines in files nobody
    knows. Colours and other control sequences are taken out.
    Nothing for units that are no instances of a known app. Raises Pm2sdError.
    """
    parsed = names.parse_instance(unit)
    apps = Known.read().stored.apps
    if parsed is None or parsed[0] not in apps:
        return []
    app, number = parsed
    chosen = [Instance(app, number, -1, unit)]
    for wanted in (
        Filter(lines=count, messages=False),
        Filter(lines=count, streams=()),
    ):
        with Logs(sources(apps, chosen, wanted.streams), wanted) as logs:
            found = [
                line
                for line in logs.history(complete=True)
                if line.time is None or line.time >= since
            ]
        if found:
            return without_controls("\n".join(line.text for line in found)).split("\n")[-count:]
    return []
