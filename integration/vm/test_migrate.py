"""A server's apps, moved from a real PM2 to systemd, are there after a reboot."""

from __future__ import annotations

import json

from integration.harness import eventually
from integration.pm2 import BINARY
from integration.vm.machine import CHECKOUT, PATIENCE, Machine, only

IN_PATH = f"PATH=/src/{BINARY.parent.relative_to(CHECKOUT)}:$PATH;"


@only("12")
def test_what_pm2_ran_is_there_after_a_reboot(machine: Machine) -> None:
    machine.write("app/app.js", "setInterval(() => {}, 1e6)")
    machine.write(
        "app/ecosystem.json",
        json.dumps({"apps": [{"name": "moved", "script": "app.js", "env": {"WORD": "kept"}}]}),
    )
    started = machine.run(f"{IN_PATH} cd app && pm2 start ecosystem.json && pm2 save")
    assert started.exit_status == 0, started
    moved = machine.run(f"{IN_PATH} pm2sd migrate --yes")
    assert moved.exit_status == 0, moved
    assert machine.run(f"{IN_PATH} pm2 kill").exit_status == 0
    assert machine.run("pm2sd startup").exit_status == 0
    machine.reboot()

    def states() -> list[tuple[str, str]]:
        status = machine.run("pm2sd status --json").json
        return [(row["name"], row["state"]) for row in status]

    eventually(lambda: states() == [("moved", "online")], PATIENCE)  # it comes after the manager
    environment = machine.run("tr '\\0' '\\n' </proc/$(pm2sd pid moved)/environ").stdout
    assert "WORD=kept\n" in environment
