"""The plan, from texts of unit files and names of running units: no machine needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pm2sd import __version__
from pm2sd.ecosystem.app import App
from pm2sd.errors import InvalidConfig
from pm2sd.plan.plan import Action, Desired, Options, Plan, Running, make_plan
from pm2sd.plan.stored import Stored, read_stored
from pm2sd.translate.translation import translate
from pm2sd.units import names
from pm2sd.units.model import AuxiliaryService, Mark, Target
from pm2sd.units.render import render

DIRECTORY = "/home/ada/.config/systemd/user"


def app(name: str = "web", **options: Any) -> App:
    return App(name=name, script="sleep", command=("/bin/sleep", "9"), cwd="/srv", **options)


def desired(one: App) -> Desired:
    ids = range(one.instances)
    units = translate(
        one, systemd=252, unit_directory=DIRECTORY, manager_directory="/run", ids=ids
    ).units
    return Desired(one, {file.path: file.text for file in map(render, units)})


def on_disk(*apps: App) -> Stored:
    return read_stored({path: text for one in apps for path, text in desired(one).files.items()})


def up(*apps: App, **changes: Any) -> Running:
    units = {
        unit
        for one in apps
        for unit in (names.target(one.name), names.slice_name(one.name), *desired(one).instances)
    }
    targets = frozenset(names.target(one.name) for one in apps)
    return replace(Running(frozenset(units), targets), **changes)


def changed(old: App, new: App, running: Running | None = None) -> Plan:
    return make_plan([desired(new)], on_disk(old), up(old) if running is None else running)


def action(plan: Plan) -> Action:
    (change,) = plan.changes
    return change.action


def test_a_new_app_is_written_enabled_and_started_without_a_reload() -> None:
    one = app(instances=2)
    plan = make_plan([desired(one)], Stored({}), Running())
    assert action(plan) is Action.CREATE
    assert set(plan.write) == {"web@.service", "web.target"}
    assert plan.enable == ("web.target",)
    assert plan.start == ("web.target", "web@0.service", "web@1.service")
    assert (plan.reload, plan.restart, plan.stop, plan.remove) == (False, (), (), ())


def test_nothing_is_done_when_all_is_as_it_shall_be() -> None:
    plan = changed(app(), app())
    assert plan.is_empty()
    assert action(plan) is Action.KEEP


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"env": {"A": "1"}}, "Environment"),
        ({"command": ("/bin/sleep", "10")}, "ExecStart"),
        ({"cwd": "/tmp"}, "WorkingDirectory"),
        ({"out_file": "/tmp/out.log"}, "StandardOutput"),
    ],
)
def test_what_a_process_is_spawned_with_needs_a_restart(
    options: Mapping[str, Any], reason: str
) -> None:
    plan = changed(app(), replace(app(), **options))
    assert plan.restart == ("web@0.service",)
    assert plan.reload
    assert reason in plan.changes[0].reasons


@pytest.mark.parametrize(
    "options",
    [{"max_memory_restart": 1 << 30}, {"kill_timeout": 5000}, {"max_restarts": 3}],
)
def test_what_the_manager_applies_itself_needs_a_reload_only(options: Mapping[str, Any]) -> None:
    plan = changed(app(), replace(app(), **options))
    assert (plan.restart, plan.reload) == ((), True)
    assert action(plan) is Action.UPDATE


def test_a_changed_source_file_disturbs_nothing() -> None:
    plan = changed(app(source="/a.yaml"), app(source="/b.yaml"))
    assert plan.restart == ()
    assert set(plan.write) == {"web@.service", "web.target"}


def test_a_drop_in_concerns_its_own_instance_only() -> None:
    old = app(instances=2, increment_var="PORT", env={"PORT": "80"})
    stored = on_disk(old)
    files = dict(desired(old).files)
    path = "web@1.service.d/10-pm2sd.conf"
    files[path] = files[path].replace('"PORT=81"', '"PORT=99"')
    plan = make_plan([Desired(old, files)], stored, up(old))
    assert plan.restart == ("web@1.service",)


def test_changed_secrets_restart_every_instance() -> None:
    plan = changed(app(secrets={"K": "1"}, instances=2), app(secrets={"K": "2"}, instances=2))
    assert plan.restart == ("web@0.service", "web@1.service")
    assert plan.changes[0].reasons == ("secrets",)


def test_fewer_instances_stop_the_highest_first() -> None:
    plan = changed(app(instances=4), app(instances=2))
    assert plan.stop == ("web@3.service", "web@2.service")
    assert (plan.restart, plan.start) == ((), ())


def test_more_instances_start_the_new_ones_only() -> None:
    plan = changed(app(instances=1), app(instances=3))
    assert (plan.start, plan.restart) == (("web@1.service", "web@2.service"), ())


def test_stopped_instances_are_started_and_nothing_is_written() -> None:
    plan = changed(app(instances=2), app(instances=2), Running(frozenset({"web@0.service"})))
    assert (dict(plan.write), plan.start) == ({}, ("web.target", "web@1.service"))
    assert action(plan) is Action.START


def test_an_interrupted_restart_is_made_up_for() -> None:
    stale = frozenset({"web@0.service"})
    plan = changed(app(), app(), up(app(), stale=stale))
    assert plan.restart == ("web@0.service",)
    assert action(plan) is Action.UPDATE


def test_units_that_the_manager_has_not_read_again_are_reloaded() -> None:
    plan = changed(app(), app(), up(app(), unread=frozenset({"web@0.service"})))
    assert plan.reload
    assert plan.restart == ()


def test_autostart_off_is_written_but_neither_enabled_nor_started() -> None:
    plan = make_plan([desired(app(autostart=False))], Stored({}), Running())
    assert (plan.enable, plan.start) == ((), ())
    later = changed(app(), app(autostart=False))
    assert later.disable == ("web.target",)


def test_an_orphan_is_named_and_removed_only_when_asked() -> None:
    stored = on_disk(app("old"))
    kept = make_plan([], stored, up(app("old")), orphans=["old"])
    assert (action(kept), kept.is_empty()) == (Action.ORPHAN, True)
    pruned = make_plan([], stored, up(app("old")), orphans=["old"], options=Options(prune=True))
    assert pruned.stop == ("old@0.service", "old.target", "app-pm2sd-old.slice")
    assert pruned.disable == ("old.target",)
    assert set(pruned.remove) == {"old@.service", "old.target"}
    assert pruned.reload


def edited(stored: Stored, path: str) -> Stored:
    files = dict(stored.apps["web"].files)
    files[path] = files[path].replace("[Service]", "[Service]\nNice=1")
    return read_stored(files)


def test_an_edited_file_that_would_change_is_refused_without_force() -> None:
    stored = edited(on_disk(app()), "web@.service")
    with pytest.raises(InvalidConfig, match="edited by hand"):
        make_plan([desired(app())], stored, up(app()))
    forced = make_plan([desired(app())], stored, up(app()), options=Options(force=True))
    assert "web@.service" in forced.write


def test_an_edited_file_of_another_app_is_no_obstacle() -> None:
    stored = edited(on_disk(app()), "web@.service")
    plan = make_plan([desired(app("other"))], stored, up(app()))
    assert set(plan.write) == {"other@.service", "other.target"}


def test_a_unit_of_somebody_else_is_refused_even_with_force() -> None:
    with pytest.raises(InvalidConfig, match=r"/etc/web\.target is not pm2sd's"):
        make_plan(
            [desired(app())],
            Stored({}),
            Running(),
            foreign={"web.target": "/etc/web.target"},
            options=Options(force=True),
        )


def test_leftovers_of_a_killed_run_are_taken_over() -> None:
    files = dict(desired(app()).files)
    del files["web.target"]
    stored = read_stored(files)
    assert (set(stored.leftovers), stored.apps) == ({"web"}, {})
    plan = make_plan([desired(app())], stored, Running())
    assert set(plan.write) == {"web.target"}
    assert plan.start == ("web.target", "web@0.service")


def guarded(one: App, *programs: str, directory: str = "") -> Desired:
    """The app with units beside its instances: ``NAME:PROGRAM.service`` runs each program."""
    helpers = [
        AuxiliaryService(
            name=names.auxiliary(one.name, program, "service"),
            mark=Mark(app=one.name, namespace="default", source="", version=__version__),
            description=program,
            type="exec",
            part_of=names.target(one.name),
            slice=names.slice_name(one.name),
            exec_start=((f"/bin/{program}",),),
            working_directory=directory,
        )
        for program in programs
    ]
    units = translate(
        one,
        systemd=252,
        unit_directory=DIRECTORY,
        manager_directory="/run",
        ids=range(one.instances),
    ).units
    wants = tuple(helper.name for helper in helpers)
    units = tuple(
        replace(unit, wants=(*unit.wants, *wants)) if isinstance(unit, Target) else unit
        for unit in units
    )
    return Desired(one, {file.path: file.text for file in map(render, (*units, *helpers))})


def with_units(running: Running, *units: str) -> Running:
    return replace(running, active=running.active | set(units))


def test_units_beside_the_instances_start_with_the_target() -> None:
    one = guarded(app(), "cat", "dog")
    plan = make_plan([one], Stored({}), Running())
    assert one.auxiliary == ("web:cat.service", "web:dog.service")
    assert read_stored(one.files).apps["web"].auxiliary == one.auxiliary
    assert plan.start == ("web.target", "web@0.service", "web:cat.service", "web:dog.service")
    (change,) = plan.changes
    assert change.start == ("web@0.service",)


def test_units_beside_the_instances_of_a_stopped_app_stay_down() -> None:
    one = guarded(app(autostart=False), "cat")
    assert make_plan([one], read_stored(one.files), Running()).is_empty()


def test_a_missing_unit_is_started_where_the_target_is_up() -> None:
    one = guarded(app(), "cat")
    plan = make_plan([one], read_stored(one.files), up(app()), options=Options(start="none"))
    assert plan.start == ("web:cat.service",)
    assert action(plan) is Action.START


def test_a_new_unit_starts_and_disturbs_no_instance() -> None:
    plan = make_plan([guarded(app(), "cat")], on_disk(app()), up(app()))
    assert (plan.start, plan.restart, plan.reload) == (("web:cat.service",), (), True)
    assert action(plan) is Action.UPDATE


def test_a_changed_unit_is_restarted_alone() -> None:
    old, new = guarded(app(), "cat"), guarded(app(), "cat", directory="/srv")
    running = with_units(up(app()), "web:cat.service")
    plan = make_plan([new], read_stored(old.files), running)
    assert (plan.restart, plan.start, plan.stop) == (("web:cat.service",), (), ())
    assert plan.changes[0].restart == ()


def test_an_interrupted_restart_of_a_unit_beside_the_instances_is_made_up_for() -> None:
    one = guarded(app(), "cat")
    running = with_units(up(app(), stale=frozenset({"web:cat.service"})), "web:cat.service")
    assert make_plan([one], read_stored(one.files), running).restart == ("web:cat.service",)


def test_a_unit_that_is_gone_is_stopped_before_its_file_is_removed() -> None:
    stored = read_stored(guarded(app(), "cat", "dog").files)
    running = with_units(up(app()), "web:cat.service", "web:dog.service")
    plan = make_plan([guarded(app(), "dog")], stored, running)
    assert (plan.stop, plan.remove) == (("web:cat.service",), ("web:cat.service",))
    assert (plan.start, plan.restart) == ((), ())


def test_the_units_of_another_app_are_left_alone() -> None:
    running = with_units(up(app(), app("web2")), "web2:cat.service")
    assert make_plan([desired(app())], on_disk(app(), app("web2")), running).is_empty()


def test_an_orphan_is_removed_with_the_units_beside_its_instances() -> None:
    stored = read_stored(guarded(app(), "cat").files)
    running = with_units(up(app()), "web:cat.service")
    plan = make_plan([], stored, running, orphans=["web"], options=Options(prune=True))
    assert plan.stop[0] == "web:cat.service"
    assert set(plan.remove) == {"web.target", "web@.service", "web:cat.service"}


JOB: dict[str, Any] = {"schedule": "@daily", "autorestart": False}


def test_a_job_is_armed_and_not_started() -> None:
    plan = make_plan([desired(app(**JOB))], Stored({}), Running())
    assert plan.start == ("web.target", "web:schedule.timer")
    assert plan.changes[0].start == ()


def test_a_job_that_runs_is_left_to_end() -> None:
    running = with_units(up(app()), "web:schedule.timer")
    plan = changed(app(**JOB), app(**JOB, env={"A": "1"}), running)
    assert (plan.start, plan.restart, plan.stop) == ((), (), ())
    assert plan.reload


def test_an_app_that_becomes_a_job_is_stopped() -> None:
    plan = changed(app(), app(**JOB))
    assert (plan.stop, plan.start) == (("web@0.service",), ("web:schedule.timer",))


def test_a_job_that_becomes_an_app_is_started() -> None:
    running = Running(frozenset({"web.target", "web:schedule.timer"}), frozenset({"web.target"}))
    plan = changed(app(**JOB), app(), running)
    assert (plan.stop, plan.start) == (("web:schedule.timer",), ("web@0.service",))


def test_another_time_restarts_the_timer_alone() -> None:
    running = with_units(up(app()), "web:cron.timer")
    plan = changed(app(cron_restart="@daily"), app(cron_restart="@hourly"), running)
    assert (plan.restart, plan.start) == (("web:cron.timer",), ())
    assert "OnCalendar" in plan.changes[0].reasons
