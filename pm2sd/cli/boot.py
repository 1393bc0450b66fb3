"""save, resurrect, cleardump, startup, unstartup: what comes back at boot."""

from __future__ import annotations

from typing import Annotated

import typer

from pm2sd.cli.output import emit, say
from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.systemd import scope

Ignored = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ARGUMENT]...", help="Taken as PM2's, without effect."),
]


def save(arguments: Ignored = None) -> None:  # noqa: ARG001
    """Make what runs now what comes back at boot, and what resurrect brings back.

    Starting and stopping already decide what comes back at boot; save also takes in what was done
    by systemctl, and apps with autostart: false that run. Exits 1 where nothing comes back at
    boot since your user manager is not started then.
    """
    from pm2sd.control import boot
    from pm2sd.control.session import changing

    with changing(say) as here:
        apps = here.stored().apps
        emit(f"saved {_counted(boot.save(here, apps.values()))} of {_apps(len(apps))}")
    _require_lingering()


def resurrect(arguments: Ignored = None) -> None:  # noqa: ARG001
    """Bring back what was saved: apps deleted since as they were, those stopped as they are now.

    What runs is left alone.
    """
    from pm2sd.cli.applying import carry_out_and_tell, tell
    from pm2sd.cli.lifecycle import told
    from pm2sd.control import boot
    from pm2sd.control.session import changing
    from pm2sd.systemd import snapshot

    saved = snapshot.load()
    if saved is None:
        raise Pm2sdError("nothing was saved", hint="pm2sd save, while your apps run")
    with changing(say) as here:
        todo, wanted = boot.restoration(here, saved)
        restored = ExitStatus.OK
        if not todo.is_empty():
            tell(todo)
            restored = carry_out_and_tell(here, todo, wanted)
        started, failures = boot.start_saved(here, saved)
        if not started:
            say("all that was saved runs")
        done = told("resurrected", started, failures)
    raise typer.Exit(done.status or restored)


def cleardump(arguments: Ignored = None) -> None:  # noqa: ARG001
    """Forget what was saved: no app comes back at boot. Those that run go on.

    An app comes back again once it is applied, started or saved.
    """
    from pm2sd.control import boot
    from pm2sd.control.session import changing
    from pm2sd.systemd import snapshot

    with changing(say) as here:
        boot.nothing(here, here.stored().apps.values())
        snapshot.clear()
    emit("cleared: no app comes back at boot until it is started, applied or saved again")


def startup(arguments: Ignored = None) -> None:  # noqa: ARG001
    """Have your user manager started at boot, and with it the apps that run now.

    Exits 1 where only root may arrange that, with the command.
    """
    from pm2sd.control import boot
    from pm2sd.control.session import changing
    from pm2sd.systemd.logind import set_lingering

    with changing(say) as here:
        boot.follow(here, here.stored().apps.values(), forced=True)
    if scope.system:
        emit("your apps start at boot")
        return
    changed = set_lingering(True)
    emit(
        "your user manager starts at boot from now on, and your apps with it"
        if changed
        else "your user manager starts at boot already, and your apps with it"
    )


def unstartup(arguments: Ignored = None) -> None:  # noqa: ARG001
    """Have neither your apps nor your user manager started at boot.

    Apps that run go on until your last session ends.
    """
    from pm2sd.control import boot
    from pm2sd.control.session import changing
    from pm2sd.systemd.logind import set_lingering

    with changing(say) as here:
        boot.nothing(here, here.stored().apps.values())
    if scope.system:
        emit("your apps do not start at boot")
        return
    set_lingering(False)
    emit("neither your apps nor your user manager start at boot")
    say("what runs ends with your last session, your other services too; pm2sd startup undoes it")


def _require_lingering() -> None:
    from pm2sd.systemd.user import lingers, user_name

    user = user_name()
    if not lingers(user):
        raise Pm2sdError(
            f"apps start when {user} logs in and stop when {user} has logged out, not at boot",
            hint=f"pm2sd startup, or: sudo loginctl enable-linger {user}",
        )


def _counted(instances: int) -> str:
    return "1 instance" if instances == 1 else f"{instances} instances"


def _apps(number: int) -> str:
    return "1 app" if number == 1 else f"{number} apps"
