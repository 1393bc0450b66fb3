"""What comes back at boot, and what does not: on a machine that is rebooted, and cut off."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from integration.harness import Result, eventually
from integration.vm.machine import PATIENCE, Machine, only

LINKS = "ls .config/systemd/user/default.target.wants 2>/dev/null"
SLEEPER = "setInterval(() => {}, 1e6)"
SERVER = """
require('http').createServer((_, response) => response.end(process.env.GREETING)).listen(8123)
"""
RecordProperty = Callable[[str, object], None]


def apps(*apps: dict[str, Any]) -> str:
    """An ecosystem file."""
    return json.dumps({"apps": apps})


def ok(machine: Machine, command: str) -> Result:
    """Runs a command as the user, who is logged in by it; it must succeed."""
    done = machine.run(command)
    assert done.exit_status == 0, (command, done)
    return done


def online(machine: Machine) -> list[str]:
    """The instances that run, as name@N."""
    return sorted(
        f"{row['name']}@{row['instance']}"
        for row in ok(machine, "pm2sd status --json").json
        if row["state"] == "online"
    )


def answer_after_boot(machine: Machine, *, logged_in: bool = False) -> tuple[str, float]:
    """What the server says, and the machine's age by then; nobody is logged in unless told."""
    asked = machine.run(
        "until curl -fs http://127.0.0.1:8123/; do sleep 0.05; done; echo; cat /proc/uptime;"
        " loginctl list-sessions --no-legend",
        user="root",
    )
    greeting, uptime, *sessions = asked.stdout.splitlines()
    # systemd 257 counts the user's manager as a session.
    assert logged_in or all("manager" in line for line in sessions), asked
    return greeting, float(uptime.split()[0])


def test_startup_has_the_users_manager_started_at_boot(machine: Machine) -> None:
    machine.write("one/app.js", SLEEPER)
    machine.write("one/ecosystem.json", apps({"name": "one", "script": "app.js"}))
    applied = ok(machine, "cd one && pm2sd apply")
    assert "warning: apps end when tester has logged out" in applied.stderr
    assert "hint: pm2sd startup" in applied.stderr
    assert machine.run("pm2sd save").exit_status == 1

    assert machine.run("systemctl mask --runtime --now polkit", user="root").exit_status == 0
    refused = machine.run("pm2sd startup")
    assert refused.exit_status == 1, refused
    assert "hint: sudo loginctl enable-linger tester\n" in refused.stderr
    assert machine.run("systemctl unmask --runtime polkit", user="root").exit_status == 0

    ok(machine, "pm2sd startup")
    assert machine.run("loginctl show-user tester -P Linger").stdout == "yes\n"
    assert ok(machine, LINKS).stdout == "one.target\n"
    again = ok(machine, "cd one && pm2sd apply")
    assert "warning" not in again.stderr

    ok(machine, "pm2sd unstartup startup systemd")
    assert machine.run("loginctl show-user tester -P Linger").stdout == "no\n"
    assert machine.run(LINKS).stdout == ""
    assert online(machine) == ["one@0"]
    ok(machine, "pm2sd startup")
    assert ok(machine, LINKS).stdout == "one.target\n"
    ok(machine, "pm2sd delete all")


def test_what_runs_comes_back_and_what_is_stopped_stays_down(
    machine: Machine, record_property: RecordProperty
) -> None:
    ok(machine, "pm2sd startup")
    machine.write("app/server.js", SERVER)
    machine.write("app/app.js", SLEEPER)
    machine.write(
        "app/ecosystem.json",
        apps(
            {"name": "web", "script": "server.js", "instances": 2, "exec_mode": "cluster"}
            | {"env": {"GREETING": "grüß Gott", "PORT": 8123}},
            {"name": "down", "script": "app.js"},
            {"name": "part", "script": "app.js", "instances": 3},
            {"name": "scaled", "script": "app.js"},
            {"name": "by_hand", "script": "app.js", "autostart": False},
        ),
    )
    ok(machine, "cd app && pm2sd apply && pm2sd stop down part@1 && pm2sd scale scaled 2")
    runs = ["part@0", "part@2", "scaled@0", "scaled@1", "web@0", "web@1"]
    assert online(machine) == runs
    machine.reboot()
    greeting, seconds = answer_after_boot(machine)
    assert greeting == "grüß Gott"
    eventually(lambda: online(machine) == runs, PATIENCE)  # the others may come a moment later
    record_property(f"Debian {machine.release}, boot to app answering", f"{seconds:.1f} s")

    # What was done without pm2sd counts once it is saved.
    ok(
        machine,
        "systemctl --user stop scaled.target && pm2sd start by_hand part down && pm2sd save",
    )
    runs = ["by_hand@0", "down@0", "part@0", "part@1", "part@2", "web@0", "web@1"]
    assert online(machine) == runs
    machine.reboot()
    answer_after_boot(machine)
    eventually(lambda: online(machine) == runs, PATIENCE)


def test_an_apply_that_loses_power_is_finished_by_the_next(
    machine: Machine, record_property: RecordProperty
) -> None:
    ok(machine, "pm2sd startup; pm2sd delete all || true")
    machine.write("cut/server.js", SERVER)
    write_greeting(machine, "old")
    ok(machine, "cd cut && pm2sd apply")
    write_greeting(machine, "new")
    machine.run("sync; cd cut; pm2sd apply >/dev/null 2>&1 &")
    # In the middle: the first unit file has its new text.
    machine.run("until grep -rqs GREETING=new .config/systemd/user/*.service; do :; done")
    machine.power_cut()
    machine.boot()
    greeting, seconds = answer_after_boot(machine)
    assert greeting in ("old", "new")
    title = f"Debian {machine.release}, power cut to app answering again"
    record_property(title, f"{seconds:.1f} s, {greeting} configuration")
    assert machine.run("find .config/systemd/user -type f -empty").stdout == ""
    ok(machine, "cd cut && pm2sd apply")
    assert answer_after_boot(machine, logged_in=True)[0] == "new"
    assert online(machine) == ["app0@0", "app1@0", "app2@0", "web@0"]
    ok(machine, "cd cut && pm2sd diff")


def write_greeting(machine: Machine, greeting: str) -> None:
    """Four apps that all change with the greeting."""
    server = {"name": "web", "script": "server.js", "env": {"GREETING": greeting}}
    others = [
        {"name": f"app{n}", "script": "sleep", "args": "1000", "env": {"GREETING": greeting}}
        for n in range(3)
    ]
    machine.write("cut/ecosystem.json", apps(server, *others))


@only("13")
def test_save_resurrect_and_cleardump(machine: Machine) -> None:
    ok(machine, "pm2sd startup; pm2sd delete all || true; pm2sd cleardump")
    nothing = machine.run("pm2sd resurrect")
    assert (nothing.exit_status, "nothing was saved" in nothing.stderr) == (1, True)
    machine.write(
        "saved/ecosystem.json",
        apps(
            {"name": "gone", "script": "sleep", "args": "1000", "instances": 2}
            | {"secrets": {"TOKEN": "kept"}},
            {"name": "down", "script": "sleep", "args": "1000"},
            {"name": "never", "script": "sleep", "args": "1000"},
        ),
    )
    ok(machine, "cd saved && pm2sd apply && pm2sd stop never && pm2sd scale gone 3 && pm2sd save")
    assert machine.run("stat -c %a .local/state/pm2sd/saved.json").stdout == "600\n"
    ok(machine, "pm2sd delete gone && pm2sd stop down")
    assert online(machine) == []
    ok(machine, "pm2sd resurrect")
    assert online(machine) == ["down@0", "gone@0", "gone@1", "gone@2"]
    environment = "tr '\\0' '\\n' </proc/$(pm2sd pid gone@2)/environ"
    assert "TOKEN=kept\n" in ok(machine, environment).stdout
    assert ok(machine, LINKS).stdout == "down.target\ngone.target\n"
    assert "all that was saved runs" in ok(machine, "pm2sd resurrect").stderr

    ok(machine, "pm2sd cleardump")
    assert online(machine) == ["down@0", "gone@0", "gone@1", "gone@2"]
    assert machine.run(LINKS).stdout == ""
    assert machine.run("pm2sd resurrect").exit_status == 1


def test_the_main_road(machine: Machine) -> None:
    """Each release's systemd takes the units, warns of none, and does what they say."""
    ok(machine, "pm2sd startup; pm2sd delete all || true")
    machine.write("road/server.js", SERVER + "; console.log('listening')")
    server = {"name": "web", "script": "server.js", "exec_mode": "cluster", "instances": 2}
    server |= {"env": {"GREETING": "hello", "PORT": 8123}, "max_memory_restart": "200M"}
    server |= {"exp_backoff_restart_delay": 100, "max_restarts": 5, "kill_timeout": 3000}
    server |= {"cron_restart": "0 3 * * *"}
    machine.write("road/ecosystem.json", apps(server))
    ok(machine, "cd road && pm2sd apply")
    assert online(machine) == ["web@0", "web@1"]
    assert answer_after_boot(machine, logged_in=True)[0] == "hello"
    before = ok(machine, "pm2sd pid web").stdout.split()
    ok(machine, "pm2sd reload web")
    assert not set(before) & set(ok(machine, "pm2sd pid web").stdout.split())
    logs = "pm2sd logs web --nostream --raw --lines 50"
    eventually(lambda: ok(machine, logs).stdout.count("listening") == 4, PATIENCE)
    ok(machine, "cd road && pm2sd diff && pm2sd stop web@1 && pm2sd start web@1")
    assert "daemon-reload" not in ok(machine, "pm2sd describe web").stdout
    verified = machine.run("systemd-analyze --user verify web.target web@0.service web.socket")
    assert verified.stderr == "", verified
    complaints = machine.run(
        "journalctl --user -b -t systemd -p warning -o cat -g 'Unknown|ignoring'"
    )
    assert complaints.stdout == ""
    ok(machine, "pm2sd delete all")
    assert machine.run("ls .config/systemd/user | grep web").stdout == ""
