"""A cluster of a Node app that can be broken, slow or never ready, for the tests of reload."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from integration.harness import Pm2sd, Project, eventually, free_port, properties, run, systemctl
from pm2sd.errors import ExitStatus
from pm2sd.systemd.paths import unit_directory, user_runtime_directory

APP = """\
// cluster.js, but for what the files beside it say: it may throw, take long, or never get ready.
const fs = require('node:fs');
const has = (file) => fs.existsSync(`${__dirname}/${file}`);
const { NODE_APP_INSTANCE: number } = process.env;
if (has('broken') || process.env.BROKEN === number) throw Error('no good');
if (process.env.BROKEN === 'all') throw Error('no good');
if (has('empty')) process.exit(0);
const slow = has('slow') || has(`slow-${number}`);
process.env.READY = has('stuck') ? 'never' : slow ? '4000' : '1';
require(CLUSTER);
"""


class Web:
    """The cluster, applied by the test's own pm2sd."""

    def __init__(self, pm2sd: Pm2sd, project: Project) -> None:
        self.pm2sd, self.project = pm2sd, project
        self.name = project.name("web")
        text = APP.replace("CLUSTER", repr(project.script("cluster.js")))
        self.script = project.write("app.js", text)
        self.port = free_port()
        self.instances = 2
        self.wait_ready = True
        self.listen_timeout = 20_000
        self.options: dict[str, Any] = {}

    def ecosystem(self, instances: int, **env: Any) -> Path:
        """Writes the file."""
        app = {
            "name": self.name,
            "script": str(self.script),
            "exec_mode": "cluster",
            "instances": instances,
            "wait_ready": self.wait_ready,
            "listen_timeout": self.listen_timeout,
            "env": {"PORT": self.port, **env},
            **self.options,
        }
        self.instances = instances
        return self.project.ecosystem([app])

    def apply(
        self, instances: int = 2, *, status: ExitStatus | None = ExitStatus.OK, **env: Any
    ) -> str:
        """Applies the app; what apply said. None: however it ends."""
        done = self.pm2sd("apply", self.ecosystem(instances, **env))
        assert status is None or done.exit_status == status, done
        return done.stderr

    def begin(self, *command: str | Path) -> subprocess.Popen[str]:
        """Starts a command, to be interrupted."""
        return subprocess.Popen(
            self.pm2sd.command(*command),
            cwd=self.project.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pids(self) -> list[str]:
        """The main process of each instance."""
        units = (f"{self.name}@{number}.service" for number in range(self.instances))
        return [properties(unit, "MainPID")["MainPID"] for unit in units]

    def state(self, number: int) -> str:
        """The ActiveState of an instance."""
        return properties(f"{self.name}@{number}.service", "ActiveState")["ActiveState"]

    @property
    def drop_in(self) -> Path:
        """Where an extra instance is noted."""
        units = user_runtime_directory() / "systemd/user"
        return units / f"{self.name}@{self.instances}.service.d"

    @property
    def unit_file(self) -> Path:
        """Where the template of the instances is."""
        return unit_directory() / f"{self.name}@.service"

    def crash(self, number: int) -> str:
        """Kills an instance, and waits for its successor; the variable BUILD of that."""
        before = self.pids()[number]
        systemctl("kill", "--signal=KILL", f"{self.name}@{number}.service")
        eventually(lambda: self.pids()[number] not in (before, "0"))
        eventually(lambda: self.state(number) == "active")
        variables = Path(f"/proc/{self.pids()[number]}/environ").read_bytes().decode().split("\0")
        return next((one for one in variables if one.startswith("BUILD=")), "")

    def restarts(self) -> list[int]:
        """How often each instance was restarted, as status says."""
        return [row["restarts"] for row in self.pm2sd("status", "--json", self.name).json]

    def is_extra_there(self) -> bool:
        """Whether anything is left of an instance beyond those of the app."""
        units = systemctl("list-units", "--all", "--plain", "--no-legend", f"{self.name}@*.service")
        return self.drop_in.exists() or f"{self.name}@{self.instances}." in units.stdout

    def extra_was_there(self) -> bool:
        """Whether an extra instance ever said anything."""
        identifier = f"--identifier={self.name}@{self.instances}"
        return "listening" in run("journalctl", "--user", "--quiet", identifier).stdout


_POINTS: dict[str, Callable[[Web, list[str]], bool]] = {
    "files written": lambda web, _: "BUILD=" in web.unit_file.read_text(),
    "noted": lambda web, _: web.drop_in.exists(),
    # An instance that is too many may have had the name before.
    "started": lambda web, _: (
        web.drop_in.exists() and web.state(web.instances) in ("activating", "active")
    ),
    "first goes": lambda web, before: web.pids()[0] not in (before[0], "0"),
    "last went": lambda web, before: web.pids()[-1] not in (before[-1], "0"),
}
"""Moments of a reload, by the main processes before it."""


def cut_short(web: Web, point: str, number: signal.Signals, *command: str | Path) -> str:
    """Sends a signal to a command at one of its moments; what it said."""
    before = web.pids()
    with web.begin(*command) as process:
        eventually(lambda: _POINTS[point](web, before), 60)
        process.send_signal(number)
        return process.communicate(timeout=60)[1]


def killed_reload(web: Web, point: str) -> None:
    """Kills a reload at one of its moments."""
    cut_short(web, point, signal.SIGKILL, "reload", web.name)
