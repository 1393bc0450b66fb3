"""``on_failure`` and ``alerts``: whom to tell when an app fails, and of what else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pm2sd.ecosystem.finder import Finder, guess_path
from pm2sd.ecosystem.nodes import Node, Plain
from pm2sd.ecosystem.subject import Subject
from pm2sd.errors import Location

_SHELL = ("/bin/sh", "-c")


@dataclass(frozen=True, slots=True)
class Telling:
    """Fields of the App, under their names there."""

    on_failure: tuple[str, ...] = ()
    webhook: Mapping[str, Plain] = field(default_factory=dict)
    alerts: Mapping[str, Plain] = field(default_factory=dict)


def telling(subject: Subject, finder: Finder) -> Telling:
    """Whom to tell.

    ``alerts`` without ``notify`` are told to the webhook of ``on_failure``. A command of
    ``on_failure`` is about an app that is down for good, and is not run for them.
    """
    node = subject.declared.nodes.get("on_failure")
    command, webhook = _teller(subject, finder, "on_failure", _value(subject, "on_failure"), node)
    return Telling(command, webhook, _alerts(subject, finder, webhook))


def _alerts(subject: Subject, finder: Finder, webhook: Mapping[str, Plain]) -> dict[str, Plain]:
    written: dict[str, Any] = subject.get("alerts", dict) or {}
    if not written:
        return {}
    found: dict[str, Plain] = {}
    if "restarts" in written:
        number, within = written["restarts"]
        found |= {"restarts": number, "within": within}
    if "memory" in written:
        memory = written["memory"]
        limit = subject.get("max_memory_restart", int)
        if "bytes" in memory:
            found["memory"] = memory["bytes"]
        elif limit:
            found["memory"] = round(limit * memory["percent"] / 100)
        else:
            subject.problem(
                "alerts",
                "memory: without max_memory_restart there is nothing to take a part of",
                "set max_memory_restart, or write a size such as 300M",
                _place(subject, "memory"),
            )
    if "down" in written:
        found["down"] = written["down"]
    node = subject.declared.nodes["alerts"].value
    inner = node.get("notify") if isinstance(node, Mapping) else None
    command, own = _teller(subject, finder, "alerts", written.get("notify"), inner)
    chosen = own or ({} if command else webhook)
    return {**found, "command": list(command), "webhook": dict(chosen)}


def _value(subject: Subject, option: str) -> object:
    return subject.declared.values.get(option)


def _place(subject: Subject, key: str) -> Location | None:
    written = subject.declared.nodes["alerts"].value
    inner = written.get(key) if isinstance(written, Mapping) else None
    return inner.where if inner else None


def _teller(
    subject: Subject, finder: Finder, option: str, value: object, node: Node | None
) -> tuple[tuple[str, ...], dict[str, Plain]]:
    """A command and a webhook, of which at most one is there.

    The text of a command is for the shell, a list is a program and its arguments. Both are empty
    where there is nothing, and after a problem.
    """
    if isinstance(value, dict):
        return (), value
    if not isinstance(value, tuple) or not value or node is None:
        return (), {}
    if isinstance(node.value, str):
        return (*_SHELL, *value), {}
    path = finder.file(value[0])
    if "/" not in value[0]:
        path = finder.program(value[0]) or path
    if not subject.machine.is_executable(path):
        hint = guess_path(subject.machine, path) or "write a text for a command of the shell"
        subject.problem(option, f"there is no program {value[0]!r}", hint, node.where)
        return (), {}
    return (path, *value[1:]), {}
