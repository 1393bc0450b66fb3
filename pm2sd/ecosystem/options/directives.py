"""The type of ``unit``: directives of systemd that the user writes himself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options.javascript import number_text
from pm2sd.ecosystem.options.nearest import nearest_of
from pm2sd.ecosystem.options.types import Fault, Refused, Schema, ValueType, shown, unfit

NAME: Final = r"[A-Z][A-Za-z0-9-]*"
_NAME: Final = re.compile(NAME)
_LINE_BREAK: Final = re.compile(r"[\n\r]")

# What pm2sd writes itself, and the option that says it; written a second time it would contradict
# (systemd takes the last value) or be lost. Empty where there is no option. The directives of
# [Service] that are not here are free, those of `hardening` too: the last value is the user's.
MANAGED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "Unit": {
            "Description": "name",
            "StartLimitBurst": "max_restarts",
            "StartLimitInterval": "min_uptime",
            "StartLimitIntervalSec": "min_uptime",
        },
        "Service": {
            "CPUQuota": "cpu_quota",
            "Environment": "env",
            "EnvironmentFile": "env_file",
            "ExecStart": "script",
            "Group": "gid",
            "IOWeight": "io_weight",
            "KillMode": "treekill",
            "KillSignal": "kill_signal",
            "MemoryMax": "max_memory_restart",
            "MemorySwapMax": "max_memory_restart",
            "Nice": "nice",
            "NotifyAccess": "wait_ready",
            "Restart": "autorestart",
            "RestartMaxDelaySec": "exp_backoff_restart_delay",
            "RestartPreventExitStatus": "stop_exit_codes",
            "RestartSec": "restart_delay",
            "RestartSteps": "exp_backoff_restart_delay",
            "RuntimeDirectoryPreserve": "",
            "Slice": "",
            "StandardError": "error_file",
            "StandardOutput": "out_file",
            "SuccessExitStatus": "stop_exit_codes",
            "SyslogIdentifier": "",
            "SyslogLevel": "",
            "SyslogLevelPrefix": "",
            "TasksMax": "tasks_max",
            "TimeoutSec": "kill_timeout",
            "TimeoutStartSec": "listen_timeout",
            "TimeoutStopSec": "kill_timeout",
            "Type": "wait_ready",
            "User": "uid",
            "WorkingDirectory": "cwd",
        },
    }
)


@dataclass(frozen=True, slots=True)
class Directives(ValueType):
    """Directives by section, in systemd's own syntax: specifiers and quotes mean what they mean.

    A list stands for a directive written several times; true and false are ``yes`` and ``no``;
    null and the empty text reset a directive that is a list.
    """

    label: str = "an object of sections (Unit, Service), each an object of directives"

    def parse(self, node: Node) -> dict[str, tuple[str, ...]]:
        """The lines ``Name=value`` of each section, in the order written."""
        if not isinstance(node.value, Mapping):
            raise self.refuse(node)
        faults: list[Fault] = []
        lines = {name: _section(name, child, faults) for name, child in node.value.items()}
        if faults:
            raise Refused(*faults)
        return {name: found for name, found in lines.items() if found}

    def schema(self) -> Schema:
        """Objects of objects."""
        scalar: Schema = {"type": ["string", "number", "boolean", "null"]}
        directives: Schema = {
            "type": "object",
            "propertyNames": {"pattern": f"^{NAME}$"},
            "additionalProperties": {"anyOf": [scalar, {"type": "array", "items": scalar}]},
        }
        return {
            "type": "object",
            "properties": dict.fromkeys(MANAGED, directives),
            "additionalProperties": False,
        }


def _section(name: str, node: Node, faults: list[Fault]) -> tuple[str, ...]:
    if name not in MANAGED:
        near = nearest_of(name, tuple(MANAGED))
        hint = f"did you mean {near}?" if near else f"there are {' and '.join(MANAGED)}"
        faults.append(Fault(f"an app's unit has no section {name!r}", hint, _key(name, node)))
        return ()
    if not isinstance(node.value, Mapping):
        message = f"expected an object of directives; got {shown(node)}"
        faults.append(Fault(message, f"write {name}: {{NAME: value}}", node))
        return ()
    lines: list[str] = []
    for directive, value in node.value.items():
        if not _NAME.fullmatch(directive):
            message = f"{directive!r} is no name of a directive"
            faults.append(Fault(message, "they look like LimitNOFILE", _key(directive, value)))
        elif directive in MANAGED[name]:
            option = MANAGED[name][directive]
            hint = f"the option {option} says it" if option else "nothing else may set it"
            message = f"{directive}= is written by pm2sd itself"
            faults.append(Fault(message, hint, _key(directive, value)))
        else:
            items = value.value if isinstance(value.value, tuple) else (value,)
            lines += [f"{directive}={_text(item, faults)}" for item in items]
    return tuple(lines)


def _text(node: Node, faults: list[Fault]) -> str:
    """A value as it is written after the equals sign."""
    match node.value:
        case None:
            return ""
        case bool():
            return "yes" if node.value else "no"
        case int() | float():
            return number_text(node.value)
        case str() as text:
            reason = unfit(text)
            if _LINE_BREAK.search(text):
                reason = "holds a line break, which ends a directive"
            elif text.endswith("\\"):
                reason = "ends in a backslash, which joins it to the next line"
            if reason:
                faults.append(Fault(f"the value {reason}", node=node))
            return text
        case _:
            faults.append(Fault(f"expected a value of a directive; got {shown(node)}", node=node))
            return ""


def _key(name: str, node: Node) -> Node:
    """The key of an entry as a node, for its place."""
    return Node(name, node.key_where or node.where)
