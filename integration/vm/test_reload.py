"""Reload's extra instance on a newer systemd than the sandbox's."""

from __future__ import annotations

import json

from integration.vm.machine import Machine, only

# Answers who it is, and of which build, as long as that is not broken.
SERVER = """
if (process.env.BUILD === 'broken') throw Error('no good');
require('http').createServer((_, response) => {
    response.end(`${process.env.NODE_APP_INSTANCE} ${process.env.BUILD}`);
}).listen(8124, () => process.send('ready'));
"""
ASK = "for i in $(seq 20); do curl -fsS http://127.0.0.1:8124/ || echo -n failed; echo; done"


@only("13")
def test_with_a_socket_for_each_instance_the_extra_one_shares_one(machine: Machine) -> None:
    def apply(build: str) -> int:
        app = {"name": "web", "script": "app.js", "exec_mode": "cluster", "instances": 2}
        app |= {"wait_ready": True, "listen_timeout": 60_000}  # the machine is slow
        app |= {"reuse_port": True, "env": {"PORT": 8124, "BUILD": build}}
        machine.write("reload/ecosystem.json", json.dumps({"apps": [app]}))
        return machine.run("cd reload && pm2sd apply").exit_status

    def answers() -> set[str]:
        return set(machine.run(ASK).stdout.splitlines())

    machine.write("reload/app.js", SERVER)
    assert apply("old") == 0
    machine.run(f"({ASK}; {ASK}; {ASK}) >seen.txt 2>&1 </dev/null & disown")
    assert apply("new") == 0
    assert answers() == {"0 new", "1 new"}
    assert apply("broken") == 1
    assert answers() == {"0 new", "1 new"}
    assert "failed" not in machine.run("cat seen.txt").stdout
    assert machine.run("systemctl --user list-units --all | grep web@2").stdout == ""
    machine.run("pm2sd delete all")
