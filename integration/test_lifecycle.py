"""start, stop, restart, reload, scale and delete against a real user manager."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from integration.harness import Pm2sd, Project, eventually, properties, systemctl
from pm2sd.control import lifecycle
from pm2sd.control.apply import carry_out, plan
from pm2sd.control.desired import Wanted
from pm2sd.control.session import changing
from pm2sd.errors import ExitStatus
from pm2sd.plan.plan import Options
from pm2sd.plan.select import instances
from pm2sd.systemd.paths import unit_directory


def unit(project: Project, name: str, number: int = 0) -> str:
    return f"{project.name(name)}@{number}.service"


def pids(project: Project, name: str, count: int) -> list[str]:
    return [properties(unit(project, name, n), "MainPID")["MainPID"] for n in range(count)]


def states(project: Project, name: str, count: int) -> list[str]:
    return [properties(unit(project, name, n), "ActiveState")["ActiveState"] for n in range(count)]


def apply(pm2sd: Pm2sd, project: Project, **options: Any) -> None:
    app = {"name": project.name("a"), "script": "sleep", "args": "infinity", "exec_mode": "fork"}
    result = pm2sd("apply", project.ecosystem([{**app, **options}]))
    assert result.exit_status == ExitStatus.OK, result


def test_stop_start_and_restart_act_on_the_whole_app(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, instances=2)
    first = pids(project, "a", 2)
    stopped = pm2sd("stop", project.name("a"))
    assert stopped.exit_status == ExitStatus.OK
    assert stopped.stdout == f"stopped {project.name('a')}@0\nstopped {project.name('a')}@1\n"
    assert states(project, "a", 2) == ["inactive", "inactive"]
    assert properties(f"{project.name('a')}.target", "ActiveState") == {"ActiveState": "inactive"}
    assert pm2sd("start", project.name("a")).exit_status == ExitStatus.OK
    second = pids(project, "a", 2)
    assert "0" not in second
    assert set(first).isdisjoint(second)
    assert pm2sd("restart", project.name("a")).exit_status == ExitStatus.OK
    assert set(second).isdisjoint(pids(project, "a", 2))


def test_start_leaves_running_instances_alone(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, instances=2)
    before = pids(project, "a", 2)
    systemctl("stop", unit(project, "a", 1))
    assert pm2sd("start", project.name("a")).exit_status == ExitStatus.OK
    after = pids(project, "a", 2)
    assert after[0] == before[0]
    assert after[1] not in ("0", before[1])


def test_one_instance_can_be_named(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, instances=2)
    before = pids(project, "a", 2)
    assert pm2sd("stop", f"{project.name('a')}@1").exit_status == ExitStatus.OK
    assert states(project, "a", 2) == ["active", "inactive"]
    ids = [row["pm_id"] for row in pm2sd("jlist").json if row["name"] == project.name("a")]
    assert pm2sd("start", str(ids[1])).exit_status == ExitStatus.OK
    assert states(project, "a", 2) == ["active", "active"]
    assert pids(project, "a", 1) == before[:1]


def test_systemctl_works_beside_pm2sd(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, instances=2)
    before = pids(project, "a", 2)
    assert systemctl("restart", unit(project, "a", 0)).exit_status == 0
    after = pids(project, "a", 2)
    assert (after[0] != before[0], after[1]) == (True, before[1])
    assert systemctl("stop", f"{project.name('a')}.target").exit_status == 0
    eventually(lambda: states(project, "a", 2) == ["inactive", "inactive"])
    assert systemctl("start", f"{project.name('a')}.target").exit_status == 0
    eventually(lambda: states(project, "a", 2) == ["active", "active"])


@pytest.mark.parametrize("how", ["start", "apply"])
def test_what_ends_at_once_is_started_once(
    pm2sd: Pm2sd, project: Project, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """An app and its target each have a job; the app has ended when the second one is queued."""
    name, log = project.name(), project.path / "starts"
    script = project.write("job.sh", f"echo started >> {log}\n")
    app = {"name": name, "script": str(script), "autorestart": False, "autostart": False}
    assert pm2sd("apply", project.ecosystem([app])).exit_status == 0
    with changing() as here:
        connection = type(here.bus._connection)
        call = connection.call

        def slowly(self: Any, method: bytes, *words: Any, **options: Any) -> Any:
            done = call(self, method, *words, **options)
            if method == b"StartUnit":
                time.sleep(1)
            return done

        monkeypatch.setattr(connection, "call", slowly)
        stored = here.stored().apps
        if how == "start":
            failures = lifecycle.start(here, instances([stored[name]]), stored)
        else:
            wanted = [Wanted(stored[name].app, stored[name].notes)]
            todo = plan(here, wanted, options=Options(start="all"))
            failures = list(carry_out(here, todo, wanted).failures)
    assert failures == []
    assert log.read_text() == "started\n"
    assert properties(f"{name}@0.service", "ActiveState") == {"ActiveState": "inactive"}
    assert properties(f"{name}.target", "ActiveState") == {"ActiveState": "active"}


@pytest.mark.parametrize("verb", ["stop", "restart", "reload", "delete", "scale"])
def test_an_unknown_app_exits_4_with_the_nearest_name(
    pm2sd: Pm2sd, project: Project, verb: str
) -> None:
    apply(pm2sd, project)
    typo = project.name("a") + "x"
    result = pm2sd(verb, typo, *(["2"] if verb == "scale" else []))
    assert result.exit_status == ExitStatus.NO_SUCH_APP
    assert f"did you mean {project.name('a')!r}?" in result.stderr


def test_a_file_does_not_start_together_with_other_words(pm2sd: Pm2sd, project: Project) -> None:
    evaluated = project.path / "evaluated"
    file = f"require('fs').writeFileSync({str(evaluated)!r}, ''); module.exports = {{ apps: [] }}"
    project.write("ecosystem.config.js", file)
    refused = pm2sd("start", "ecosystem.config.js", str(project.write("other.sh", "sleep 100")))
    assert refused.exit_status == ExitStatus.USAGE
    assert "does not go together" in refused.stderr
    assert not evaluated.exists()
    assert project.unit_files() == []


def test_start_of_an_ecosystem_file_that_is_not_there_says_so(
    pm2sd: Pm2sd, project: Project
) -> None:
    missing = pm2sd("start", "ecosystem.config.js")
    assert missing.exit_status == ExitStatus.INVALID_CONFIG
    assert "ecosystem.config.js: error: ecosystem.config.js does not exist\n" in missing.stderr
    assert "hint: pm2sd init writes one to begin with\n" in missing.stderr
    assert project.unit_files() == []


def test_start_of_a_misspelt_app_names_the_nearest(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project)
    result = pm2sd("start", project.name("a") + "x")
    assert result.exit_status == ExitStatus.NO_SUCH_APP
    assert f"did you mean {project.name('a')!r}?" in result.stderr
    assert pm2sd("start", "nowhere.js").exit_status == ExitStatus.INVALID_CONFIG


def test_regular_expressions_and_namespaces_select(pm2sd: Pm2sd, project: Project) -> None:
    apps = [
        {"name": project.name(n), "script": "sleep", "args": "9999", "namespace": project.name(ns)}
        for n, ns in (("web", "front"), ("api", "back"), ("api2", "back"))
    ]
    assert pm2sd("apply", project.ecosystem(apps)).exit_status == ExitStatus.OK
    assert pm2sd("stop", f"/{project.prefix}_api/").exit_status == ExitStatus.OK
    assert [states(project, n, 1)[0] for n in ("web", "api", "api2")] == [
        "active",
        "inactive",
        "inactive",
    ]
    assert pm2sd("start", project.name("back")).exit_status == ExitStatus.OK
    assert states(project, "api", 1) == ["active"]
    assert pm2sd("restart", "/(/").exit_status == ExitStatus.USAGE


def test_an_instance_that_ignores_the_signal_is_killed_and_said_so(
    pm2sd: Pm2sd, project: Project
) -> None:
    app = {
        "name": project.name("a"),
        "script": project.script("ignores_sigint.py"),
        "kill_timeout": 300,
    }
    assert pm2sd("apply", project.ecosystem([app])).exit_status == ExitStatus.OK
    eventually(lambda: "ready" in pm2sd("logs", project.name("a"), "--nostream", "--raw").stdout)
    stopped = pm2sd("stop", project.name("a"))
    assert stopped.exit_status == ExitStatus.OK
    assert "was killed" in stopped.stderr
    assert states(project, "a", 1) == ["inactive"]


def test_children_end_with_the_app(pm2sd: Pm2sd, project: Project, tmp_path: Path) -> None:
    import json

    record = tmp_path / "pids.json"
    app = {
        "name": project.name("a"),
        "script": project.script("forks.py"),
        "args": [str(record)],
        "kill_timeout": 500,
    }
    assert pm2sd("apply", project.ecosystem([app])).exit_status == ExitStatus.OK
    family = eventually(lambda: json.loads(record.read_text()))
    assert pm2sd("stop", project.name("a")).exit_status == ExitStatus.OK
    # The killed are no processes any more, but may still wait for the manager to collect them.
    eventually(lambda: not [pid for pid in family.values() if Path(f"/proc/{pid}").exists()])


def test_reload_goes_one_by_one_and_waits_for_readiness(pm2sd: Pm2sd, project: Project) -> None:
    app = {
        "name": project.name("a"),
        "script": project.script("ready_late.py"),
        "args": "0.3",
        "instances": 2,
        "exec_mode": "fork",
        "wait_ready": True,
        "listen_timeout": 60000,
    }
    assert pm2sd("apply", project.ecosystem([app])).exit_status == ExitStatus.OK
    before = pids(project, "a", 2)
    assert pm2sd("reload", project.name("a")).exit_status == ExitStatus.OK
    assert set(before).isdisjoint(pids(project, "a", 2))
    first_ready, second_started = (
        int(properties(unit(project, "a", n), prop)[prop])
        for n, prop in ((0, "ActiveEnterTimestampMonotonic"), (1, "InactiveExitTimestampMonotonic"))
    )
    assert second_started >= first_ready


def test_reload_of_a_broken_build_leaves_the_other_instances_serving(
    pm2sd: Pm2sd, project: Project
) -> None:
    script = project.write("app.py", "import signal\nsignal.pause()\n")
    app = {"name": project.name("a"), "script": str(script), "instances": 3, "exec_mode": "fork"}
    assert pm2sd("apply", project.ecosystem([app])).exit_status == ExitStatus.OK
    before = pids(project, "a", 3)
    script.write_text("raise SystemExit('a broken build')\n")
    result = pm2sd("reload", project.name("a"))
    assert result.exit_status == ExitStatus.FAILED
    assert "a broken build" in result.stderr
    assert pids(project, "a", 3)[1:] == before[1:]


@pytest.mark.parametrize("autorestart", [True, False])
def test_a_readiness_that_does_not_come_is_a_failure(
    pm2sd: Pm2sd, project: Project, autorestart: bool
) -> None:
    app = {
        "name": project.name("a"),
        "script": project.script("ready_late.py"),
        "args": "-1",
        "wait_ready": True,
        "listen_timeout": 500,
        "autorestart": autorestart,
    }
    result = pm2sd("apply", project.ecosystem([app]))
    assert result.exit_status == ExitStatus.FAILED
    assert "was not ready within listen_timeout" in result.stderr


def test_only_the_first_start_of_what_is_never_ready_is_waited_for(
    pm2sd: Pm2sd, project: Project
) -> None:
    late, web = project.name("late"), project.name("web")
    script = {"script": project.script("ready_late.py"), "args": "-1"}
    apps = [
        {"name": late, **script, "wait_ready": True, "listen_timeout": 2000, "max_restarts": 50},
        {"name": web, **script, "depends_on": [late]},
    ]
    failed = pm2sd("apply", project.ecosystem(apps))
    assert failed.exit_status == ExitStatus.FAILED
    assert f"error: {late}@0 was not ready within listen_timeout" in failed.stderr
    assert "hint: write wait_ready: false if the app never says so" in failed.stderr
    blocked = f"error: {web}@0 is not started yet: what it depends on has failed to start\n"
    assert blocked in failed.stderr
    now = properties(f"{late}@0.service", "ActiveState", "NRestarts")
    assert now["ActiveState"] == "activating"  # systemd goes on trying
    assert int(now["NRestarts"]) < 20


def test_the_hint_against_scaling_to_nothing_can_be_typed(pm2sd: Pm2sd, project: Project) -> None:
    name = project.name("a b")
    app = {"name": name, "script": "sleep", "args": "60"}
    assert pm2sd("apply", project.ecosystem([app])).exit_status == 0
    result = pm2sd("scale", name, "0")
    assert result.exit_status == ExitStatus.USAGE
    assert f"hint: pm2sd stop '{name}', or pm2sd delete '{name}'" in result.stderr


def test_scale_adds_at_the_end_and_removes_the_highest(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, instances=2, increment_var="PORT", env={"PORT": "7000"})
    before = pids(project, "a", 2)
    assert pm2sd("scale", project.name("a"), "+2").exit_status == ExitStatus.OK
    assert states(project, "a", 4) == ["active"] * 4
    assert pids(project, "a", 2) == before
    assert "PORT=7003" in properties(unit(project, "a", 3), "Environment")["Environment"].split()
    assert pm2sd("scale", project.name("a"), "-3").exit_status == ExitStatus.OK
    assert states(project, "a", 4) == ["active"] + ["inactive"] * 3
    assert pids(project, "a", 1) == before[:1]
    assert not [p for p in project.unit_files() if f"{project.name('a')}@1" in str(p)]
    for bad in ("0", "-5", "many"):
        assert pm2sd("scale", project.name("a"), bad).exit_status == ExitStatus.USAGE


def test_scaling_a_stopped_app_starts_nothing(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project)
    assert pm2sd("stop", project.name("a")).exit_status == ExitStatus.OK
    assert pm2sd("scale", project.name("a"), "3").exit_status == ExitStatus.OK
    assert states(project, "a", 3) == ["inactive"] * 3
    assert pm2sd("start", project.name("a")).exit_status == ExitStatus.OK
    assert states(project, "a", 3) == ["active"] * 3


def test_delete_removes_everything_of_the_app(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, instances=2, increment_var="N", secrets={"K": "v"})

    def there() -> list[Path]:
        return [path for path in unit_directory().rglob("*") if project.prefix in str(path)]

    names = {path.name for path in there()}
    assert {f"{project.name('a')}.target", "10-pm2sd.conf", "secrets.env"} <= names
    assert pm2sd("delete", project.name("a")).exit_status == ExitStatus.OK
    assert there() == []
    units = ("list-units", "--all", "--plain", "--no-legend", f"*{project.prefix}*")
    eventually(lambda: systemctl(*units).stdout.strip() == "")  # the manager forgets them when idle


def test_a_script_is_started_with_pm2s_flags(pm2sd: Pm2sd, project: Project) -> None:
    project.write("app.js", "console.log(process.argv.slice(2).join()); setInterval(()=>{}, 1e6)")
    name = project.name("a")
    flags = ["--name", name, "-i", "2", "-x", "--max-memory-restart", "300M", "-k", "3000"]
    result = pm2sd("start", "app.js", *flags, "--", "--port", "8080", "-x")
    assert result.exit_status == ExitStatus.OK, result
    shown = properties(unit(project, "a", 1), "MemoryMax", "TimeoutStopUSec", "ActiveState")
    assert shown == {
        "MemoryMax": str(300 * 1024 * 1024),
        "TimeoutStopUSec": "3s",
        "ActiveState": "active",
    }
    eventually(lambda: "--port,8080,-x" in pm2sd("logs", name, "--nostream").stdout)
    again = pm2sd("start", "app.js", *flags, "--", "--port", "8080", "-x")
    assert again.exit_status == ExitStatus.FAILED
    assert f"error: {name} runs already" in again.stderr


def test_restart_of_a_file_applies_it_first(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project)
    before = pids(project, "a", 1)
    assert pm2sd("restart", "ecosystem.yaml").exit_status == ExitStatus.OK
    assert pids(project, "a", 1) != before
    assert pm2sd("stop", "ecosystem.yaml").exit_status == ExitStatus.OK
    assert states(project, "a", 1) == ["inactive"]
    assert pm2sd("start", "ecosystem.yaml").exit_status == ExitStatus.OK
    assert states(project, "a", 1) == ["active"]
    assert pm2sd("delete", "ecosystem.yaml").exit_status == ExitStatus.OK


@pytest.mark.parametrize("verb", ["restart", "reload"])
def test_what_applying_a_file_has_restarted_is_not_restarted_again(
    pm2sd: Pm2sd, project: Project, verb: str
) -> None:
    apply(pm2sd, project, instances=2)
    app = {"name": project.name("a"), "script": "sleep", "args": "infinity", "exec_mode": "fork"}
    for count, number in enumerate((2, 3), 1):
        file = project.ecosystem([{**app, "instances": number, "env": {"BUILD": count}}])
        done = pm2sd(verb, file)
        assert done.exit_status == ExitStatus.OK, done
        assert done.stdout.count(f"{verb}ed {project.name('a')}@") == number
    rows = pm2sd("status", "--json", project.name("a")).json
    assert [row["restarts"] for row in rows] == [2, 2, 0]


def test_many_restarts_by_hand_do_not_hit_the_start_limit(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project, max_restarts=2, min_uptime="60s")
    for _ in range(4):
        assert pm2sd("restart", project.name("a")).exit_status == ExitStatus.OK
    assert states(project, "a", 1) == ["active"]


def test_ids_are_stable_and_start_over_when_nothing_is_left(pm2sd: Pm2sd, project: Project) -> None:
    def ids() -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row in pm2sd("jlist").json:
            found.setdefault(row["name"].removeprefix(f"{project.prefix}_"), []).append(
                row["pm_id"]
            )
        return found

    def app(name: str) -> dict[str, Any]:
        return {"name": project.name(name), "script": "sleep", "args": "9999"}

    assert pm2sd("apply", project.ecosystem([app("x"), app("y")])).exit_status == ExitStatus.OK
    first = ids()
    assert pm2sd("delete", project.name("x")).exit_status == ExitStatus.OK
    assert pm2sd("apply", project.ecosystem([app("y"), app("z")])).exit_status == ExitStatus.OK
    second = ids()
    assert second["y"] == first["y"]
    assert second["z"] > first["y"]


def test_a_signalled_app_comes_back(pm2sd: Pm2sd, project: Project) -> None:
    apply(pm2sd, project)
    before = pids(project, "a", 1)
    systemctl("kill", "--signal=KILL", unit(project, "a"))
    eventually(lambda: pids(project, "a", 1)[0] not in ("0", before[0]))
