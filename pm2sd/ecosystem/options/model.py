"""A row of the options table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from pm2sd.ecosystem.nodes import Plain
from pm2sd.ecosystem.options.types import ValueType
from pm2sd.notes import Fidelity


class Section(Enum):
    """The parts of the table, in the order they are shown."""

    RUN = "Run"
    RESTART = "Restart"
    STOP = "Stop and start"
    LOGS = "Logs"
    ENVIRONMENT = "Environment"
    WATCH = "Watch"
    MONITORING = "Monitoring"
    INTERNAL = "Internals of PM2"
    OURS = "Only in pm2sd"


@dataclass(frozen=True, slots=True)
class Flag:
    """A spelling of an option on PM2's command line.

    ``takes`` says what follows it: nothing, one value, perhaps one, or one each time it is given.
    ``constant`` is the value where nothing follows; ``unit`` that of a number without one. ``help``
    says what it does where that is not what the option does in a file.
    """

    spellings: tuple[str, ...]
    takes: Literal["nothing", "one", "optional", "many"] = "one"
    constant: bool | None = None
    unit: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Zero:
    """What becomes of a 0 that PM2 loses (it takes 0 for an option that was not written).

    It counts as not written here too, unless ``kept``; ``text`` tells the user, empty where there
    is nothing to tell.
    """

    text: str = ""
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Option:
    """One option of an app.

    ``pm2`` says what it means in PM2 (empty for our own), ``doc`` what it means here, ``becomes``
    what carries it in systemd, ``difference`` what to know about ``fidelity``. ``default`` is
    written as in a file; ``default_text`` stands for one that depends. ``quiet`` are the values
    with which nothing is missing, so that no note is due; an option that is ``part_of`` others
    is only noted where one of them is in force. ``example`` is YAML.
    """

    name: str
    section: Section
    type: ValueType
    pm2: str = ""
    doc: str
    becomes: str
    fidelity: Fidelity
    difference: str = ""
    example: str
    default: Plain = None
    default_text: str = ""
    aliases: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    quiet: tuple[object, ...] = ()
    part_of: tuple[str, ...] = ()
    zero: Zero | None = None
    required: bool = False

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every key it is written under: the name, its camelCase form, the aliases."""
        return tuple(dict.fromkeys((self.name, camel_case(self.name), *self.aliases)))

    @property
    def forgets_false(self) -> bool:
        """Whether PM2 takes every false value for an option not written, whatever its type.

        So it is with every name of several words (lib/tools/Config.js: ``conf[key] ||
        json[alias]``, where only the camelCase form of a single word is the key itself).
        """
        return any("_" in spelling for spelling in self.spellings)

    def is_quiet(self, value: object) -> bool:
        """Whether nothing needs to be said about this value."""
        return any(type(value) is type(calm) and value == calm for calm in self.quiet)


def camel_case(name: str) -> str:
    """``max_memory_restart`` as ``maxMemoryRestart``."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
