"""Unit -> UnitFile, through the templates in ``unit_templates/``.

A template writes one directive per line and passes every value through a filter, which knows the
place's escaping; what did not come from a filter is an error. Users override templates by file
name.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pm2sd.errors import ExitStatus, Location, Pm2sdError
from pm2sd.units import escape, names
from pm2sd.units.carry import carriable
from pm2sd.units.mark import marked
from pm2sd.units.model import (
    AuxiliaryService,
    EnvironmentFile,
    InstanceDropIn,
    Mark,
    Service,
    Slice,
    Socket,
    SocketKeeper,
    Target,
    Timer,
    Unit,
    UnitFile,
)

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE: Final = Path(__file__).parent
TEMPLATES: Final = (
    _HERE.parent / "unit_templates",  # in a wheel
    _HERE.parent.parent / "unit_templates",  # in a checkout
)

FILTERS: Final[Mapping[str, Callable[[Any], escape.Escaped | list[escape.Escaped]]]] = {
    "assignments": escape.assignments,
    "bytes": escape.count,
    "codes": escape.codes,
    "count": escape.count,
    "directive": escape.directive,
    "directory": escape.directory,
    "environment_file": escape.environment_file,
    "environment_lines": escape.environment_lines,
    "exec": escape.exec_line,
    "integer": escape.integer,
    "output": escape.output,
    "path_word": escape.path_word,
    "percent": escape.percent,
    "plain": escape.plain,
    "prose": escape.prose,
    "runtime_directory": escape.runtime_directory,
    "span": escape.span,
    "timeout": escape.timeout,
    "unit": escape.unit,
    "unit_text": escape.unit_text,
    "unit_word": escape.unit_word,
    "word": escape.word,
}


class _Kind(NamedTuple):
    """How a kind of unit is written; ``path`` and ``edited`` take the unit.

    ``edited`` is the unit whose drop-ins are the place for the user's changes, if there is one.
    """

    template: str
    path: Callable[[Any], str]
    edited: Callable[[Any], str] | None


_KINDS: Final[Mapping[type, _Kind]] = {
    Service: _Kind("service.j2", lambda unit: unit.name, lambda unit: unit.name),
    Target: _Kind("target.j2", lambda unit: unit.name, lambda unit: unit.name),
    Socket: _Kind("socket.j2", lambda unit: unit.name, lambda unit: unit.name),
    SocketKeeper: _Kind("socket-keeper.j2", lambda unit: unit.name, lambda unit: unit.name),
    AuxiliaryService: _Kind("auxiliary.j2", lambda unit: unit.name, lambda unit: unit.name),
    Timer: _Kind("timer.j2", lambda unit: unit.name, lambda unit: unit.name),
    Slice: _Kind("slice.j2", lambda unit: unit.name, lambda unit: unit.name),
    InstanceDropIn: _Kind(
        "dropin.j2", lambda unit: names.drop_in(unit.service), lambda unit: unit.service
    ),
    EnvironmentFile: _Kind("environment.j2", lambda unit: names.secrets_of(unit.service), None),
}


def render(unit: Unit, overrides: Path | None = None) -> UnitFile:
    """The unit's file, marked as ours; ``overrides`` is a directory of the user's own templates.

    Raises CannotCarry for what no unit file can hold, Pm2sdError for a template that fails.
    """
    kind = _KINDS[type(unit)]
    path = kind.path(unit)
    if isinstance(unit, Service):
        unit = carriable(unit)
    values = {item.name: getattr(unit, item.name) for item in fields(unit)}
    body = _fill_in(kind.template, values, overrides)
    mark: Mark = unit.mark
    manager = "" if mark.system else " --user"
    instead = (
        f'use "systemctl{manager} edit {shlex.quote(kind.edited(unit))}"'
        if kind.edited
        else "change the app's secrets"
    )
    text = marked(body, mark, path, instead, sections=kind.edited is not None)
    return UnitFile(path, text)


def _fill_in(template: str, values: Mapping[str, object], overrides: Path | None) -> str:
    from jinja2 import TemplateError

    try:
        return _templates(overrides).get_template(template).render(values)
    except (TemplateError, ArithmeticError, LookupError, OSError, TypeError, ValueError) as error:
        raise Pm2sdError(
            f"the unit template fails: {error}",
            where=_place(error, template),
            hint="compare it with the one that pm2sd comes with",
            code=ExitStatus.INVALID_CONFIG,
        ) from error


@lru_cache
def _templates(overrides: Path | None) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([*([overrides] if overrides else []), *TEMPLATES]),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - a unit file is not HTML: the filters escape
        finalize=_only_escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({name: _guarded(name, FILTERS[name]) for name in FILTERS})
    return environment


def _guarded(name: str, function: Callable[[Any], object]) -> Callable[[Any], object]:
    """The filter, with an error for a value that is not of its kind; it may be a secret."""
    from jinja2 import StrictUndefined, TemplateRuntimeError

    def apply(value: object) -> object:
        if isinstance(value, StrictUndefined):
            str(value)  # raises, naming it
        try:
            return function(value)
        except (AttributeError, TypeError, ValueError) as error:
            raise TemplateRuntimeError(
                f"the filter {name!r} cannot write this {type(value).__name__}"
            ) from error

    return apply


def _only_escaped(value: object) -> object:
    """Let nothing through that no filter has escaped."""
    from jinja2 import StrictUndefined, TemplateRuntimeError

    if isinstance(value, escape.Escaped | StrictUndefined):  # printing the latter raises
        return value
    raise TemplateRuntimeError(f"this {type(value).__name__} is written without a filter")


def _place(error: Exception, template: str) -> Location:
    """Where in a template an error is; jinja2 puts the template's lines into the traceback."""
    from jinja2 import TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError):
        return Location(error.filename or template, error.lineno)
    place = Location(template)
    step = error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if name.endswith(".j2"):
            place = Location(name, step.tb_lineno)
        step = step.tb_next
    return place
