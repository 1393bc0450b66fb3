"""``hardening``: the level that was asked for, and programs that cannot do with any."""

from __future__ import annotations

from pm2sd.ecosystem.app import Hardening
from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity


def hardening(subject: Subject, program: str) -> Hardening:
    """The app's level; ``program`` is the absolute path of what is executed.

    Every level keeps a program from gaining privileges when it is executed. One that has some in
    its file (authbind, a Node that was given cap_net_bind_service) is left alone, unless a level
    was written.
    """
    written = subject.declared.values.get("hardening")
    level: Hardening = "basic"
    if written is False or written == "off":
        return "off"
    if written == "strict":
        level = "strict"
    if not subject.machine.gains_privileges(program):
        return level
    privileges = f"{program} has privileges of its own (setuid, or capabilities)"
    if written is None:
        subject.note(
            "hardening",
            Fidelity.NO_EFFECT,
            f"it is off here: {privileges}, which every level of it takes away",
        )
        return "off"
    text = f"{privileges}, which it does not get; with hardening: off it does"
    subject.note("hardening", Fidelity.APPROXIMATE, text)
    return level
