"""The table of checks, in the order in which they are told, and the document made of it."""

from __future__ import annotations

from typing import Final

from pm2sd.observe.doctor import log_checks, machine_checks, running_checks, unit_checks
from pm2sd.observe.doctor.model import Check

CHECKS: Final = (
    Check(
        id="user-manager",
        looks="whether your systemd user manager answers, on its private socket or the user bus",
        bad="fails where it does not, with the cause: no systemd, no session, sudo, WSL ...; warns "
        "while it is shutting down or in maintenance",
        good="the user manager answers",
        judge=machine_checks.user_manager,
    ),
    Check(
        id="systemd",
        looks="the version of systemd",
        bad="warns of one that pm2sd is not tested with; says what a version lacks",
        good="systemd is recent",
        judge=machine_checks.systemd_version,
        needs="manager",
    ),
    Check(
        id="user-bus",
        looks="the socket of the user bus",
        bad="warns without one",
        good="the user bus is there",
        judge=machine_checks.user_bus,
        of_users=True,
        needs="manager",
    ),
    Check(
        id="runtime-dir",
        looks="`XDG_RUNTIME_DIR`",
        bad="warns where it is not set, or is another user's, so that `systemctl --user` fails",
        good="XDG_RUNTIME_DIR is right",
        judge=machine_checks.runtime_directory,
        of_users=True,
        needs="systemd",
    ),
    Check(
        id="unit-directory",
        looks="the directory of your unit files, or what is above it",
        bad="fails where you may not read and write it",
        good="the unit files can be read and written",
        judge=machine_checks.unit_directory,
    ),
    Check(
        id="unit-path",
        looks="whether your user manager reads that directory",
        bad="fails where it does not, as in a shell with another `XDG_CONFIG_HOME`",
        good="the user manager reads them",
        judge=machine_checks.unit_path,
        needs="manager",
    ),
    Check(
        id="linger",
        looks="whether your user manager is started at boot",
        bad="warns where it is not",
        good="apps start at boot and outlive your last session",
        judge=machine_checks.linger,
        of_users=True,
        mends="enables lingering, where the machine's policy lets you",
        needs="systemd",
    ),
    Check(
        id="controllers",
        looks="the controllers of control groups that your user manager may use",
        bad="warns of limits of your apps that nobody enforces",
        good="the kernel enforces the apps' limits",
        judge=machine_checks.controllers,
        needs="manager",
    ),
    Check(
        id="journal",
        looks="where the journal is, and whether you may read your part of it",
        bad="warns where there is none, it is in memory, or it cannot be read",
        good="the journal is on disk and can be read",
        judge=log_checks.journal,
        needs="systemd",
    ),
    Check(
        id="journal-size",
        looks="the size of your journal's files",
        bad="warns from 4 GiB on",
        good="",
        judge=log_checks.journal_size,
        needs="systemd",
    ),
    Check(
        id="journal-dropped",
        looks="lines that journald's rate limit dropped within the last day",
        bad="warns of any; says where that cannot be seen",
        good="journald dropped no lines within the last day",
        judge=log_checks.suppressed,
        needs="systemd",
    ),
    Check(
        id="log-files",
        looks="the log files that apps write, and logrotate's configurations",
        bad="warns of files of 100 MiB and more that no configuration names",
        good="no log file is large",
        judge=log_checks.log_files,
        of_apps=True,
    ),
    Check(
        id="disk",
        looks="the file systems of the units, the log files and the journal: space, inodes, and "
        "whether they can be written",
        bad="warns below 10%, fails below 1% or 8 MiB, or where one is read-only",
        good="there is room on the disks",
        judge=machine_checks.disk,
    ),
    Check(
        id="clock",
        looks="whether the clock is kept right, and whether it was set while apps ran",
        bad="warns where nobody keeps it, and after a jump of more than a minute",
        good="the clock is kept right and did not jump",
        judge=machine_checks.clock,
    ),
    Check(
        id="inotify",
        looks="instances and watches of inotify in use, where an app has `watch`",
        bad="warns from 80% of the limit on, fails at it",
        good="inotify has room for watchers",
        judge=machine_checks.inotify,
    ),
    Check(
        id="missing",
        looks="the unit file of each app, its interpreter or program, script, directory, secrets",
        bad="fails where one is gone, as a Node is after an upgrade under nvm",
        good="everything that the apps need is there",
        judge=unit_checks.missing,
        of_apps=True,
    ),
    Check(
        id="helpers",
        looks="the programs that watchers and timers run",
        bad="fails where one is gone, as pm2sd's own Python is after a new installation",
        good="the helper units' programs are there",
        judge=unit_checks.helpers,
        of_apps=True,
    ),
    Check(
        id="unread",
        looks="unit files and drop-ins that changed since systemd read them",
        bad="warns of any",
        good="systemd has read all unit files",
        judge=unit_checks.unread,
        mends="`systemctl --user daemon-reload`",
        needs="manager",
        of_apps=True,
    ),
    Check(
        id="edited",
        looks="pm2sd's unit files, by their hash",
        bad="warns of those edited by hand",
        good="no unit file was edited by hand",
        judge=unit_checks.edited,
        of_apps=True,
    ),
    Check(
        id="source",
        looks="the ecosystem files that apps came from",
        bad="warns where one is gone; says where one was written after the last change by apply",
        good="the ecosystem files are there and as they were applied",
        judge=unit_checks.source,
        of_apps=True,
    ),
    Check(
        id="orphans",
        looks="unit files of ours without an app, units that run without a file, dangling links",
        bad="warns of any",
        good="there are no orphaned units",
        judge=unit_checks.orphans,
        mends="removes files and links that nothing runs from and nobody edited; forgets failed "
        "units whose file is gone",
    ),
    Check(
        id="enabled",
        looks="whether what runs comes back at boot",
        bad="warns of apps whose target is not enabled, unless they have `autostart: false`",
        good="the apps that run come back at boot",
        judge=unit_checks.enabled,
        needs="manager",
        of_apps=True,
    ),
    Check(
        id="masked",
        looks="units that are masked, or that systemd cannot load",
        bad="fails on any",
        good="no unit is masked",
        judge=unit_checks.masked,
        needs="manager",
        of_apps=True,
    ),
    Check(
        id="overrides",
        looks="drop-ins that others wrote",
        bad="warns of those that set what the ecosystem file sets; names the others",
        good="no drop-in overrides the ecosystem file",
        judge=unit_checks.overrides,
        of_apps=True,
    ),
    Check(
        id="secrets",
        looks="the modes of pm2sd's files that hold apps' variables: units, `secrets`, `env_file`",
        bad="warns where others may read one",
        good="nobody else can read the apps' variables",
        judge=unit_checks.secrets,
        mends="`chmod` to 0600",
        of_apps=True,
    ),
    Check(
        id="failed",
        looks="instances and helper units that failed",
        bad="fails, with the last error lines, those of a kind together",
        good="no app has failed",
        judge=running_checks.failed,
        needs="manager",
        of_apps=True,
    ),
    Check(
        id="flapping",
        looks="automatic restarts, by the journal",
        bad="warns from 5 of an instance within an hour on, or 20 within a day, with its last "
        "error lines",
        good="no app is restarted again and again",
        judge=running_checks.flapping,
        needs="manager",
        of_apps=True,
    ),
    Check(
        id="oom",
        looks="kills for want of memory within the last day, by the journal",
        bad="warns of any",
        good="no app was killed for want of memory within the last day",
        judge=running_checks.out_of_memory,
        needs="manager",
        of_apps=True,
    ),
    Check(
        id="ports",
        looks="who listens on the ports that apps say they use: `listen`, `port`, `PORT` in `env`",
        bad="fails where another has the port and the app is down; warns where it is up",
        good="no port is taken by others",
        judge=running_checks.ports,
        needs="manager",
        of_apps=True,
    ),
    Check(
        id="pm2",
        looks="PM2 daemons of yours, what they run, and PM2's place in the boot",
        bad="warns where an app's name or port is in both; says what PM2 runs",
        good="no PM2 runs",
        judge=machine_checks.pm2,
    ),
    Check(
        id="hardening",
        looks="the score of `systemd-analyze --user security`",
        bad="never; says the score of each app, from 10 (nothing is restricted) to 0",
        good="",
        judge=running_checks.hardening,
        needs="manager",
    ),
)
"""Every check that ``pm2sd doctor`` makes."""

_HEAD: Final = """\
# doctor

`pm2sd doctor [SELECTOR]...` looks at the machine and at your apps, and says in one line for each
check what it found, with the command that mends it below. It changes nothing unless `--fix` is
given, and works where nothing else does: without a user manager, without a journal, without
systemd.

| status | |
|---|---|
| `ok` | as it should be |
| `info` | good to know, nothing is wrong |
| `warn` | it works, but it may not for long, or not after a reboot |
| `fail` | something does not work, or will not when it is started again |

The exit status is 1 if something failed, else 0; warnings do not count. With selectors the checks
of apps are made of these apps only. `--system` looks at the machine's own manager and its apps, and
passes over `user-bus`, `runtime-dir` and `linger`, which are a user's.

`--fix` does what cannot hurt, says what it did, and looks again: nothing is stopped, no app is
restarted, root is not needed. What it does is in the last column.

`--json` prints `{"status": ..., "checks": [...], "fixed": [...]}`: `status` is the worst there is,
and each element of `checks` has `check`, `status`, `message`, `app` (null for the machine), `hint`
(null, or a command), `details` (a list of lines) and `fixable`. `fixed` are lines on what `--fix`
did.

| check | what it looks at | when it warns or fails | `--fix` |
|---|---|---|---|
"""


def document() -> str:
    """docs/doctor.md."""
    rows = (f"| `{one.id}` | {one.looks} | {one.bad} | {one.mends} |\n" for one in CHECKS)
    return _HEAD + "".join(rows)
