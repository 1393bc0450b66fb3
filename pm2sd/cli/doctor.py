"""doctor: what is wrong with the machine and the apps, and the commands that mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pm2sd.cli import output
from pm2sd.cli.listing import pick
from pm2sd.cli.status import Json, Selectors
from pm2sd.errors import ExitStatus
from pm2sd.observe.known import Known
from pm2sd.systemd import scope

if TYPE_CHECKING:
    from pm2sd.observe.doctor.model import Result

_STYLES = {"ok": "green", "info": "cyan", "warn": "yellow", "fail": "red"}
_WIDTH = len("fail  ")


def doctor(
    selectors: Selectors = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Do what cannot hurt, say what was done, look again.")
    ] = False,
    json: Json = False,
) -> None:
    """Look for what is wrong with this machine and your apps, and say what mends it.

    One line for each check, with the command that mends it below; docs/doctor.md lists the checks.
    Works without a user manager, too: then it says why there is none.

    Exits 1 if something failed; warnings do not count.
    """
    from pm2sd.observe.doctor.examine import worst
    from pm2sd.observe.doctor.model import Status

    found = examined(selectors)
    done: list[str] = []
    fixes = [one.finding.fix for one in found if one.finding.fix]
    if fix and fixes:
        from pm2sd.control.doctor import mend

        done = mend(fixes, output.say)
        found = examined(selectors)
    state = worst(found)
    if json:
        checks = [as_json(one) for one in found]
        output.emit_json({"status": state, "checks": checks, "fixed": done})
    else:
        for line in done:
            output.emit(f"{output.paint('fixed'.ljust(_WIDTH), 'bold')}{line}")
        for one in found:
            output.emit(_text(one))
        if fix and not fixes:
            output.say("nothing that --fix may do; the commands are above")
    if state is Status.FAIL:
        raise typer.Exit(ExitStatus.FAILED)


def examined(selectors: list[str] | None) -> list[Result]:
    """What there is to say of the apps that are named, or of all; see docs/doctor.md."""
    from pm2sd.observe.doctor.examine import examine

    known = Known.read_if_possible()
    return examine(known, pick(known, selectors), whole=not selectors)


def as_json(one: Result) -> dict[str, object]:
    """A result as JSON has it."""
    finding = one.finding
    return {
        "check": one.check,
        "status": finding.status,
        "message": finding.message,
        "app": finding.app or None,
        "hint": scope.here(finding.hint) or None,
        "details": list(finding.details),
        "fixable": finding.fix is not None,
    }


def _text(one: Result) -> str:
    finding = one.finding
    word = output.paint(finding.status.ljust(_WIDTH), _STYLES[finding.status])
    app = f"{finding.app}: " if finding.app else ""
    indent = " " * _WIDTH
    lines = [f"{word}{app}{finding.message}"]
    lines += [f"{indent}| {output.paint(line, 'grey')}" for line in finding.details]
    if finding.hint:
        lines.append(f"{indent}{output.paint(scope.here(finding.hint), 'bold')}")
    return "\n".join(lines)
