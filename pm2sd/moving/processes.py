"""The processes that PM2's dump or one of its lists speaks of."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pm2sd.ecosystem.js_tokens import BadSyntax
from pm2sd.ecosystem.nodes import Plain
from pm2sd.ecosystem.options.javascript import scalar_text
from pm2sd.errors import ExitStatus, Location, Pm2sdError, Problem
from pm2sd.moving import inspected

# What PM2 prints on the same stdout before its list ([PM2] Spawning ..., >>>> In-memory PM2 is
# out-of-date) never looks like the first line of one.
_BEGIN = re.compile(r"^\[\s*(?:\{|\]|$)", re.MULTILINE)

_TEXT_OPTIONS = frozenset({"exec_interpreter", "exec_mode", "instance_var", "namespace"})


class Unreadable(Pm2sdError):
    """A text that is neither PM2's dump nor one of its lists; exit status 5."""

    def __init__(self, name: str, why: str, hint: str | None = None) -> None:
        super().__init__(
            f"{name} {why}",
            where=Location(name),
            hint=hint or "it takes ~/.pm2/dump.pm2, or the output of pm2 jlist or pm2 prettylist",
            code=ExitStatus.INVALID_CONFIG,
        )

    def problems(self) -> tuple[Problem, ...]:
        """The one mistake; its message names the file already."""
        return (Problem(self.message, None, self.hint),)


@dataclass(frozen=True, slots=True)
class Process:
    """One process of PM2's.

    ``options`` is its ``pm2_env`` without the variables that PM2 repeats there; ``env`` all its
    variables, as text. ``id`` and ``pid`` are None in a dump, which does not have them.
    """

    name: str
    options: Mapping[str, Plain]
    env: Mapping[str, str]
    status: str
    id: int | None = None
    pid: int | None = None

    @property
    def is_module(self) -> bool:
        """Whether it is one of PM2's own modules, such as pm2-logrotate."""
        return self.options.get("pmx_module") in (True, "true")


def read_processes(text: str, name: str) -> tuple[Process, ...]:
    """The processes in a dump, or in what ``jlist`` or ``prettylist`` printed.

    ``name`` is what messages call the text. Raises Unreadable.
    """
    begin = _BEGIN.search(text)
    if begin is None:
        raise Unreadable(name, "is empty" if not text.strip() else "holds no list of PM2's")
    listed = _parse(text[begin.start() :], name)
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise Unreadable(name, "holds no list of PM2's")
    return tuple(
        _process(item, number, name) for number, item in enumerate(listed) if isinstance(item, dict)
    )


def _parse(text: str, name: str) -> Plain:
    try:
        value: Plain = json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError) as not_json:
        try:
            return inspected.parse(text)
        except BadSyntax as error:
            line = text.count("\n", 0, error.offset) + 1
            plain = isinstance(not_json, ValueError) and "'" not in text
            what = str(not_json) if plain else error.message
            raise Unreadable(
                name, f"is cut off or damaged, in line {line} of its list: {what}", error.hint
            ) from None
    return value


def _process(item: Mapping[str, Plain], number: int, name: str) -> Process:
    """One element of a list, which has ``pm2_env``, or of a dump, which is it."""
    inner = item.get("pm2_env", item)
    if not isinstance(inner, dict) or not isinstance(inner.get("pm_exec_path"), str):
        raise Unreadable(name, f"has no pm_exec_path in its process number {number + 1}")
    env = inner.get("env")
    variables = env if isinstance(env, dict) else {}
    return Process(
        name=str(inner.get("name", "")),
        options={
            key: value
            for key, value in inner.items()
            if key != "env" and (_is_option(key) or variables.get(key) != value)
        },
        env={
            key: _text(value)
            for key, value in variables.items()
            if value is not None and not (key == inner.get("name") and _is_settings(value))
        },
        status=str(inner.get("status", "")),
        id=_number(item.get("pm_id", inner.get("pm_id"))),
        pid=_number(item.get("pid")) or None,
    )


def _is_option(key: str) -> bool:
    """Whether a text under this key is PM2's own, though an app that PM2 started has it inherited.

    Then it is among the variables with the same value.
    """
    return key.startswith("pm_") or key in _TEXT_OPTIONS


def _is_settings(value: Plain) -> bool:
    """Whether this is what ``pm2 set NAME:KEY`` left: an object, also as JSON."""
    return isinstance(value, dict) or (isinstance(value, str) and value.startswith("{"))


def _text(value: Plain) -> str:
    """A variable's value as the program sees it."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "" if value is None else scalar_text(value)


def _number(value: Plain) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
