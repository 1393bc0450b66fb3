"""When an app is started again: Restart=, the start limit, delays that grow."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pm2sd.ecosystem.app import UNLIMITED_RESTARTS, App
from pm2sd.notes import Fidelity, Note

# PM2 grows the delay by half each time up to this (lib/God.js, handleExit), and starts over after
# a run of 30 s (EXP_BACKOFF_RESET_TIMER in constants.js).
BACKOFF_CEILING = 15_000
BACKOFF_GROWTH = 1.5
BACKOFF_RESET_SECONDS = 30

# RestartSteps= and RestartMaxDelaySec= came with this version of systemd.
RESTART_STEPS_SINCE = 254

# A hundred years in milliseconds: beyond what counts, within systemd's 64 bits of microseconds.
_LONGEST_WINDOW = 100 * 365 * 24 * 3_600_000

# The wait of systemd without RestartSteps=: a first start goes through at once; a restart waits
# PM2's delay, kept in the runtime directory, which outlives restarts but not a stop. The user's own
# directives may name further runtime directories, in any order.
_BACKOFF_SCRIPT = """\
inside=${RUNTIME_DIRECTORY#*/pm2sd/backoff/}
state=$XDG_RUNTIME_DIR/pm2sd/backoff/${inside%%:*}/backoff
read -r up rest </proc/uptime
if read -r delay started 2>/dev/null <"$state"; then
  if [ "$delay" -eq 0 ] || [ $((${up%.*} - started)) -gt "$3" ]; then delay=$1
  else delay=$((delay * 3 / 2)); [ "$delay" -le "$2" ] || delay=$2; fi
  sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
  read -r up rest </proc/uptime
else delay=0; fi
echo "$delay ${up%.*}" >"$state"
"""


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """The directives of [Unit] and [Service] that say when to start again; milliseconds."""

    start_limit_burst: int
    start_limit_interval: int
    restart_sec: int
    restart_steps: int | None = None
    restart_max_delay: int | None = None
    exec_start_pre: tuple[str, ...] = ()
    longest_wait: int = 0


def restart_policy(app: App, *, systemd: int) -> tuple[RestartPolicy, tuple[Note, ...]]:
    """Translate ``max_restarts``, ``min_uptime``, ``restart_delay`` and the exponential delay.

    PM2 gives up at the ``max_restarts``-th exit of a run shorter than ``min_uptime``, that is after
    as many starts; StartLimitBurst= counts starts in a sliding window as long as that many short
    runs and the pauses between them. The starts of a job are the clock's, and not counted.
    """
    if app.schedule is not None:
        return RestartPolicy(app.max_restarts, 0, 0), ()
    if app.exp_backoff_restart_delay is None:
        each = app.min_uptime + app.restart_delay
        if app.wait_ready or app.ready:  # a start may take that long to fail
            each += app.listen_timeout + app.kill_timeout
        window = _window(app, each, 1000)
        return RestartPolicy(_burst(app, window), window, app.restart_delay), ()
    return _exponential(app, app.exp_backoff_restart_delay, systemd)


def _window(app: App, each: int, more: int = 0) -> int:
    """The start limit's interval: 0 (no limit) where restarts are unlimited."""
    if app.max_restarts >= UNLIMITED_RESTARTS:
        return 0
    return min(app.max_restarts * each + more, _LONGEST_WINDOW)


def _burst(app: App, window: int) -> int:
    """How many starts in the window are too many: those by connections are none."""
    by_connections = window // app.idle_timeout + 1 if app.idle_timeout else 0
    return min(app.max_restarts + by_connections, UNLIMITED_RESTARTS)


def _exponential(app: App, first: int, systemd: int) -> tuple[RestartPolicy, tuple[Note, ...]]:
    # Without the pauses in the window: an app that waits longer and longer is meant to be tried
    # for ever, and PM2 does so too (its counter stops after max_restarts * min_uptime).
    window = _window(app, app.min_uptime)
    burst = _burst(app, window)
    if systemd < RESTART_STEPS_SINCE:
        arguments = (str(first), str(BACKOFF_CEILING), str(BACKOFF_RESET_SECONDS))
        return RestartPolicy(
            burst,
            window,
            0,
            exec_start_pre=("/bin/sh", "-c", _BACKOFF_SCRIPT, "pm2sd-backoff", *arguments),
            longest_wait=max(first, BACKOFF_CEILING),
        ), ()
    if first >= BACKOFF_CEILING:
        return RestartPolicy(burst, window, first), ()
    steps = max(1, round(math.log(BACKOFF_CEILING / first, BACKOFF_GROWTH)))
    note = Note(
        "exp_backoff_restart_delay",
        Fidelity.APPROXIMATE,
        "the delay starts over after a start or restart by hand, not after 30 s of stable running",
    )
    return RestartPolicy(
        burst, window, first, restart_steps=steps, restart_max_delay=BACKOFF_CEILING
    ), (note,)
