"""What is judged about the machine, the user and the manager."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Final

from pm2sd.observe.doctor.facts import Facts
from pm2sd.observe.doctor.model import Finding, Fix, Status
from pm2sd.observe.doctor.words import some
from pm2sd.plan.limits import remedy, unenforced
from pm2sd.systemd.file_systems import FileSystem
from pm2sd.translate.restart import RESTART_STEPS_SINCE

_TESTED_SINCE: Final = 252

_JUMP_SECONDS: Final = 60.0
_LITTLE, _NONE_LEFT = 0.10, 0.01
_SMALL: Final = 64 << 20
_INOTIFY_WARN, _INOTIFY_FAIL = 0.8, 1.0


def user_manager(facts: Facts) -> Iterator[Finding]:
    """Whether systemd answers; its own words where it does not."""
    if facts.machine.system and facts.manager:
        yield Finding(status=Status.OK, message="the machine's systemd answers")
    elif facts.absence:
        hint = facts.absence.hint or ""
        yield Finding(status=Status.FAIL, message=facts.absence.message, hint=hint)
    elif facts.manager and facts.manager.state not in ("running", "degraded", "starting"):
        state = facts.manager.state
        yield Finding(
            status=Status.WARN,
            message=f"the user manager is {state}",
            hint="systemctl --user list-jobs",
        )


def systemd_version(facts: Facts) -> Iterator[Finding]:
    """What this version lacks."""
    if facts.manager is None:
        return
    number, version = facts.manager.number, facts.manager.version
    if number < _TESTED_SINCE:
        yield Finding(
            status=Status.WARN,
            message=f"systemd {version}; pm2sd is tested with {_TESTED_SINCE} and later",
            hint="upgrade the distribution",
        )
    elif number < RESTART_STEPS_SINCE:
        yield Finding(
            status=Status.INFO,
            message=f"systemd {version}; growing restart delays (RestartSteps=) come with "
            f"{RESTART_STEPS_SINCE}, and pm2sd waits in a shell until then",
        )
    else:
        yield Finding(status=Status.OK, message=f"systemd {version}")


def runtime_directory(facts: Facts) -> Iterator[Finding]:
    """Whether systemctl --user finds the manager as pm2sd does."""
    variable, used = facts.machine.runtime_variable, facts.machine.runtime_directory
    if variable is None:
        yield Finding(
            status=Status.WARN,
            message=f"XDG_RUNTIME_DIR is not set; pm2sd takes {used}, systemctl --user does not",
            hint=f"export XDG_RUNTIME_DIR={used}",
        )
    elif variable != used:
        yield Finding(
            status=Status.WARN,
            message=f"XDG_RUNTIME_DIR is {variable}, which is not {facts.machine.user}'s; "
            f"pm2sd takes {used}",
            hint=f"export XDG_RUNTIME_DIR={used}",
        )


def user_bus(facts: Facts) -> Iterator[Finding]:
    """The bus of the user: pm2sd manages without, programs of the desktop and busctl do not."""
    if facts.manager and not facts.machine.bus_socket:
        yield Finding(
            status=Status.WARN,
            message=f"there is no user bus in {facts.machine.runtime_directory}; pm2sd reaches "
            "systemd without, other programs do not",
            hint="sudo apt install dbus-user-session",
        )


def unit_directory(facts: Facts) -> Iterator[Finding]:
    """Whether the unit files can be read and written: all else is known from them."""
    path = facts.machine.unit_directory
    if facts.machine.unit_directory_problem:
        yield Finding(
            status=Status.FAIL,
            message=f"{facts.machine.unit_directory_problem}, so pm2sd cannot keep units in {path}",
            hint=f"sudo install -d -o {facts.machine.user} -m 700 {quote(path)} && "
            f"sudo chown -R {facts.machine.user}: {quote(path)}",
        )


def unit_path(facts: Facts) -> Iterator[Finding]:
    """Whether systemd looks for unit files where they are."""
    problem = facts.manager.unread if facts.manager else None
    if problem:
        hint = problem.hint or ""
        yield Finding(status=Status.FAIL, message=problem.message, hint=hint)


def linger(facts: Facts) -> Iterator[Finding]:
    """Whether the manager runs from boot on."""
    user = facts.machine.user
    if not facts.machine.lingers:
        yield Finding(
            status=Status.WARN,
            message=f"{user} does not linger: apps start at the first login, not at boot, "
            "and stop with the last logout",
            hint=f"sudo loginctl enable-linger {user}",
            fix=Fix("enable-linger", (user,)) if facts.manager else None,
        )


def controllers(facts: Facts) -> Iterator[Finding]:
    """Whether the kernel enforces the apps' limits."""
    if facts.manager is None:
        return
    there, kernel = facts.manager.controllers, facts.manager.kernel_controllers
    needed: dict[tuple[str, str], list[str]] = {}
    for app in facts.apps:
        for lacks in unenforced(app.app, there).items():
            needed.setdefault(lacks, []).append(app.name)
    for (limit, controller), apps in needed.items():
        yield Finding(
            status=Status.WARN,
            app=apps[0] if len(apps) == 1 else "",
            message=f"nothing enforces {limit} of {some(apps)}: "
            f"the user manager has no {controller} controller",
            hint=remedy([controller], kernel),
        )
    lacking = [name for name in ("cpu", "memory", "pids") if name not in there]
    if lacking and not needed:
        yield Finding(
            status=Status.INFO,
            message=f"limits of {', '.join(lacking)} would not be enforced here; no app has any",
            hint=remedy(lacking, kernel),
        )


def clock(facts: Facts) -> Iterator[Finding]:
    """Timers and the journal go by the clock."""
    if facts.machine.synchronised is False:
        yield Finding(
            status=Status.WARN,
            message="nobody keeps the clock right (NTP): timers and the times in logs are off",
            hint="sudo timedatectl set-ntp true" if facts.machine.booted else "",
        )
    elif facts.machine.synchronised is None:
        yield Finding(
            status=Status.INFO,
            message="whether somebody keeps the clock right cannot be seen here",
            hint="timedatectl",
        )
    if facts.manager and abs(facts.manager.moved) > _JUMP_SECONDS:
        yield Finding(
            status=Status.WARN,
            message=f"the clock was set by {facts.manager.moved:+.0f} s since the user manager "
            "started: the journal's times before that are of another clock",
            hint="journalctl --user --boot --output=short-monotonic shows the order of events",
        )


def disk(facts: Facts) -> Iterator[Finding]:
    """Room for units, log files and the journal."""
    for one in facts.machine.file_systems:
        left, what = _least(one)
        full = left <= _NONE_LEFT or (what == "bytes" and one.free < _SMALL // 8)
        if one.read_only:
            yield Finding(
                status=Status.FAIL,
                message=f"the file system of {one.path} is read-only",
                hint=f"findmnt --target {quote(one.path)}",
            )
        elif full or left < _LITTLE:
            yield Finding(
                status=Status.FAIL if full else Status.WARN,
                message=f"the file system of {one.path} has {left:.0%} of its {what} left"
                + (f", {one.free >> 20} MiB" if what == "bytes" else ""),
                hint=f"du -xh {quote(one.path)} | sort -h | tail"
                if what == "bytes"
                else f"du -x --inodes {quote(one.path)} | sort -n | tail",
            )


def _least(one: FileSystem) -> tuple[float, str]:
    """Of what the least is left, and how much."""
    space = (one.free / one.size if one.size else 1.0, "bytes")
    files = (one.free_inodes / one.inodes if one.inodes else 1.0, "inodes")
    return min(space, files)


def inotify(facts: Facts) -> Iterator[Finding]:
    """What watchers can still have."""
    use = facts.machine.inotify
    if use is None:
        yield Finding(status=Status.OK, message="no app watches files")
        return
    for what, used, most in (
        ("max_user_instances", use.instances, use.max_instances),
        ("max_user_watches", use.watches, use.max_watches),
    ):
        if most and used / most >= _INOTIFY_WARN:
            yield Finding(
                status=Status.FAIL if used / most >= _INOTIFY_FAIL else Status.WARN,
                message=f"{used} of {most} of fs.inotify.{what} are in use; "
                "watch does not work without",
                hint=f"sudo sysctl fs.inotify.{what}={most * 4}",
            )


def pm2(facts: Facts) -> Iterator[Finding]:
    """PM2 beside us."""
    known = {app.name: app for app in facts.apps}
    for daemon in facts.machine.pm2:
        shared = [one for one in daemon.processes if one.name in known]
        what = f"a PM2 daemon runs (pid {daemon.pid}, {daemon.home})"
        ports = sorted(
            {
                (socket.port, one.name)
                for one in daemon.processes
                for socket in facts.listeners
                if socket.pid in one.pids
            }
        )
        wanted = {port.number: app.name for app in facts.apps for port in app.ports}
        details = [f"{one.name}: both PM2 and pm2sd have an app of this name" for one in shared]
        details += [
            f"{name}: PM2's listens on port {port}, which {wanted[port]} wants"
            for port, name in ports
            if port in wanted
        ]
        names = ", ".join(dict.fromkeys(one.name for one in daemon.processes)) or "nothing"
        if details:
            yield Finding(
                status=Status.WARN,
                message=f"{what} with apps that pm2sd has, too",
                hint=f"pm2 delete {quote(shared[0].name)}" if shared else "pm2sd migrate --dry-run",
                details=tuple(details),
            )
        else:
            yield Finding(
                status=Status.INFO,
                message=f"{what}; it runs {names}",
                hint="pm2sd migrate --dry-run" if daemon.processes else "pm2 kill",
            )
    if facts.machine.pm2_at_boot:
        yield Finding(
            status=Status.INFO,
            message=f"PM2 is started at boot ({facts.machine.pm2_at_boot})",
            hint="pm2 unstartup systemd prints the command that ends it",
        )
