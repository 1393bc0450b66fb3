"""Limits of memory: of each instance, of all of an app's together, and what comes before them."""

from __future__ import annotations

import sys
from typing import Final

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.quantities import show_size
from pm2sd.notes import Fidelity, Note
from pm2sd.translate.auxiliary import Auxiliary
from pm2sd.units import names
from pm2sd.units.model import AuxiliaryService, Mark, Slice, Timer

PERIOD: Final = 30_000
"""How often instances are looked at where ``memory_policy`` is graceful: as often as PM2 does."""

# Counted is what the kernel cannot take back: without the cache of files, which it drops by itself
# before a limit is reached. memory.stat is 40 lines, read only of a group that uses enough in all.
# Where memory is not controlled (cgroup v1), the processes' own pages are added up. A group's name
# may have an underscore in front (cg_needs_escape in systemd's cgroup-util.c).
_CHECK: Final = """\
limit=$1 shown=$2 name=$3 unit=$4 count=$5
shift 5
root=/sys/fs/cgroup
[ -e $root/cgroup.procs ] || root=$root/unified
while IFS=: read -r id none path; do
  [ "$id" != 0 ] || slice=$root${path%/*}
done </proc/self/cgroup
number=0 over=
while [ "$number" -lt "$count" ]; do
  instance=$unit@$number.service used=0
  group=$slice/$instance
  [ -d "$group" ] || group=$slice/_$instance
  if read -r all 2>/dev/null <"$group/memory.current"; then
    [ "$all" -le "$limit" ] || while read -r key value; do
      case $key in
      anon | shmem | sock | kernel_stack | pagetables | percpu | vmalloc | slab_unreclaimable)
        used=$((used + value)) ;;
      esac
    done <"$group/memory.stat"
  elif [ -d "$group" ]; then
    while read -r pid; do
      while read -r key value none; do
        case $key in RssAnon: | RssShmem:) used=$((used + value * 1024)) ;; esac
      done 2>/dev/null <"/proc/$pid/status"
    done <"$group/cgroup.procs"
  fi
  if [ "$used" -gt "$limit" ]; then
    echo "$name@$number uses $((used >> 20))M, max_memory_restart is $shown: reloading it"
    set -- "$@" "$instance"
    over=yes
  fi
  number=$((number + 1))
done
[ -z "$over" ] || exec "$@"
"""


def memory_max(app: App) -> int | None:
    """What the kernel holds an instance to; under ``graceful`` it is half as much again."""
    limit = app.max_memory_restart
    return limit + limit // 2 if limit is not None and app.memory_policy == "graceful" else limit


def limits_text(app: App) -> str:
    """The limits an instance of the app may have run into; empty without any."""
    parts = []
    if app.max_memory_restart is not None:
        soft, hard = app.max_memory_restart, memory_max(app)
        text = f"max_memory_restart is {show_size(soft)}"
        parts.append(text if soft == hard else f"{text}, and the hard limit half as much again")
    if app.memory_total is not None:
        parts.append(f"memory_total is {show_size(app.memory_total)}")
    return "; ".join(parts)


def total(app: App, mark: Mark) -> Auxiliary:
    """``app-pm2sd-NAME.slice``, where ``memory_total`` limits all that runs for the app."""
    if app.memory_total is None:
        return Auxiliary()
    unit = Slice(
        name=names.slice_name(app.name),
        mark=mark,
        description=f"{app.name} (all instances)",
        memory_max=app.memory_total,
    )
    return Auxiliary((unit,))


def graceful(app: App, mark: Mark) -> Auxiliary:
    """``NAME:memory.timer`` and the service it starts: instances over the limit are reloaded."""
    if app.memory_policy != "graceful" or app.max_memory_restart is None:
        return Auxiliary()
    soft, hard = show_size(app.max_memory_restart), memory_max(app)
    assert hard is not None
    service = AuxiliaryService(
        name=names.auxiliary(app.name, "memory", "service"),
        mark=mark,
        description=f"{app.name}: reload above {soft} of memory",
        slice=names.slice_name(app.name),
        exec_start=(
            (
                *("/bin/sh", "-c", _CHECK, "pm2sd-memory"),
                *(str(app.max_memory_restart), soft, app.name, names.unit_name(app.name)),
                *(str(app.instances), sys.executable, "-P", "-m", "pm2sd", "reload"),
            ),
        ),
        syslog_identifier=identifier(app.name),
        quiet=True,
    )
    timer = Timer(
        name=names.auxiliary(app.name, "memory", "timer"),
        mark=mark,
        description=f"{app.name}: look at the memory of its instances",
        part_of=names.target(app.name),
        every=PERIOD,
        unit=service.name,
    )
    text = (
        f"an instance that uses more than {soft}, not counting the cache of files, is reloaded; "
        f"it is looked at every {PERIOD // 1000} s, and killed at {_megabytes(hard)}"
    )
    note = Note("memory_policy", Fidelity.BETTER, text)
    return Auxiliary((timer, service), (timer.name,), (note,))


def identifier(app: str) -> str:
    """What the lines about reloading for memory are found by in the journal."""
    return f"{names.unit_name(app)}:memory"


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.4g}M"
