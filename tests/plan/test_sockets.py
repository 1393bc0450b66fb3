"""What a plan does with an app's sockets."""

from __future__ import annotations

from typing import Any

from pm2sd.ecosystem.app import App
from pm2sd.plan.plan import Action, Desired, Options, Plan, Running, make_plan
from pm2sd.plan.stored import Stored, read_stored
from pm2sd.translate.translation import translate
from pm2sd.units.render import render

BOTH = ("web@0.service", "web@1.service")


def app(**options: Any) -> App:
    values: dict[str, Any] = {"listen": ("3000",), "instances": 2, **options}
    return App(name="web", script="sleep", command=("/bin/sleep", "9"), cwd="/srv", **values)


def desired(one: App) -> Desired:
    ids = range(one.instances)
    units = translate(
        one, systemd=252, unit_directory="/units", manager_directory="/run", ids=ids
    ).units
    return Desired(one, {file.path: file.text for file in map(render, units)})


def changed(old: App, new: App) -> Plan:
    target, mine = "web.target", desired(old)
    running = Running(frozenset({target, *mine.instances, *mine.auxiliary}), frozenset({target}))
    return make_plan([desired(new)], read_stored(mine.files), running)


def test_the_socket_starts_with_a_new_app() -> None:
    plan = make_plan([desired(app())], Stored({}), Running())
    assert plan.start == ("web.target", *BOTH, "web.socket")
    assert changed(app(), app()).is_empty()


def test_another_port_stops_all_before_it_starts_all() -> None:
    plan = changed(app(), app(listen=("3001",)))
    assert set(plan.stop) == set(plan.start) == {"web.socket", *BOTH}
    assert plan.stop[0] == "web.socket"
    assert plan.restart == ()
    assert plan.reload
    (change,) = plan.changes
    assert (change.action, change.restart) == (Action.UPDATE, BOTH)
    assert "ListenStream" in change.reasons


def test_so_does_the_first_socket() -> None:
    plan = changed(app(listen=()), app())
    assert set(plan.stop) == set(BOTH)
    assert set(plan.start) == {"web.socket", *BOTH}


def test_and_the_last() -> None:
    plan = changed(app(), app(listen=()))
    assert set(plan.stop) == {"web.socket", *BOTH}
    assert set(plan.start) == set(BOTH)
    assert {"web.socket", "web:socket.service"} == set(plan.remove)


def test_what_is_no_business_of_the_socket_leaves_it_open() -> None:
    plan = changed(app(), app(env={"A": "1"}))
    assert (plan.stop, plan.start, plan.restart) == ((), (), BOTH)


def test_scaling_leaves_the_shared_socket_open() -> None:
    plan = changed(app(), app(instances=1))
    assert (plan.stop, plan.start, plan.restart) == (("web@1.service",), (), ())


def test_scaling_closes_an_instances_own_socket() -> None:
    plan = changed(app(reuse_port=True), app(reuse_port=True, instances=1))
    assert plan.stop == ("web@1.socket", "web@1.service")
    assert (plan.start, plan.restart) == ((), ())


def test_deleting_closes_the_socket_first() -> None:
    mine = desired(app())
    running = Running(frozenset({"web.target", "web.socket", *BOTH}))
    options = Options(prune=True)
    plan = make_plan([], read_stored(mine.files), running, orphans=["web"], options=options)
    assert plan.stop[0] == "web.socket"
    assert set(plan.remove) == set(mine.files)
