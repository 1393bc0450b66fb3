"""The apps that the unit files on disk describe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from pm2sd.units import names
from pm2sd.units.mark import ParsedMark, environment_variables, read_mark, sections

if TYPE_CHECKING:
    from pm2sd.ecosystem.app import App, ExecMode
    from pm2sd.notes import Note

# What a record must have for an App to be made of it: the fields without a default.
_NEEDED: Final = frozenset({"name", "script", "command", "cwd", "exec_mode"})
_NEEDED_RECORDS: Final = frozenset({"Notes", "TranslationNotes"})


@dataclass(frozen=True, slots=True)
class StoredApp:
    """An app as its unit files record it.

    ``ids`` are its instances' numbers in their order; ``files`` the texts of all its files by path
    relative to the unit directory; ``user`` is who runs it, empty in a user's manager. ``record``
    is the target's section: the App and the notes are made of it when they are asked for, which
    listing apps does not do.
    """

    name: str
    namespace: str
    exec_mode: ExecMode
    ids: tuple[int, ...]
    record: Mapping[str, str] = field(repr=False)
    files: Mapping[str, str] = field(repr=False)
    user: str = ""

    @property
    def app(self) -> App:
        """The App, secrets included."""
        return _app(self.record["Record"], self.files.get(names.secrets_file(self.name)))

    @property
    def notes(self) -> tuple[Note, ...]:
        """What reading and resolving the app had to say."""
        return _notes(self.record["Notes"])

    @property
    def translation_notes(self) -> tuple[Note, ...]:
        """What translating it added."""
        return _notes(self.record["TranslationNotes"])

    @property
    def instances(self) -> tuple[str, ...]:
        """The unit names of its instances, in their order."""
        return tuple(names.instance(self.name, number) for number in range(len(self.ids)))

    @property
    def auxiliary(self) -> tuple[str, ...]:
        """The units beside its instances that run whenever its target does."""
        return auxiliary(self.name, self.files)

    def edited(self) -> tuple[str, ...]:
        """The files that were changed by hand."""
        marks = ((path, read_mark(text)) for path, text in self.files.items())
        return tuple(path for path, mark in marks if mark is None or not mark.intact)


def auxiliary(app: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """The units beside an app's instances that its target wants, from the app's files."""
    directives = sections(files.get(names.target(app), "")).get("Unit", ())
    return tuple(
        value for name, value in directives if name == "Wants" and names.is_auxiliary(value, app)
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything of ours in the unit directory.

    ``leftovers`` are the files of apps whose target is missing or unreadable (a killed run, a hand
    at work), by app name; ``namespaces`` those of the namespace targets, by path; ``rotation``
    those of the units that rotate log files, by path.
    """

    apps: Mapping[str, StoredApp]
    leftovers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    namespaces: Mapping[str, str] = field(default_factory=dict)
    rotation: Mapping[str, str] = field(default_factory=dict)

    def next_id(self) -> int:
        """The id of the next new instance: PM2 counts up and starts over when nothing is left."""
        return (
            max((number for stored in self.apps.values() for number in stored.ids), default=-1) + 1
        )


def read_stored(files: Mapping[str, str]) -> Stored:
    """The apps described by the managed files of the unit directory (path -> text)."""
    by_app: dict[str, dict[str, tuple[str, ParsedMark]]] = {}
    namespaces: dict[str, str] = {}
    rotation: dict[str, str] = {}
    for path, text in files.items():
        mark = read_mark(text)
        if mark is None:
            continue
        if mark.app == "":
            (namespaces if path.endswith(".target") else rotation)[path] = text
        else:
            by_app.setdefault(mark.app, {})[path] = (text, mark)
    apps, leftovers = {}, {}
    for name, marked in by_app.items():
        stored = _stored_app(name, marked)
        if stored is None:
            leftovers[name] = {path: text for path, (text, _) in marked.items()}
        else:
            apps[name] = stored
    return Stored(apps, leftovers, namespaces, rotation)


def _stored_app(name: str, marked: Mapping[str, tuple[str, ParsedMark]]) -> StoredApp | None:
    entry = marked.get(names.target(name))
    if entry is None:
        return None
    mark = entry[1]
    try:
        values = json.loads(mark.record["Record"])
        ids = tuple(int(number) for number in json.loads(mark.record["Ids"]))
        complete = values.keys() >= _NEEDED and mark.record.keys() >= _NEEDED_RECORDS
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    if not complete:
        return None
    return StoredApp(
        name,
        mark.namespace,
        values["exec_mode"],
        ids,
        mark.record,
        {path: text for path, (text, _) in marked.items()},
        values.get("user", ""),
    )


@cache
def _app(record: str, secrets: str | None) -> App:
    from pm2sd.ecosystem.app import App

    return App.from_json(record, environment_variables(secrets) if secrets else None)


def _notes(text: str) -> tuple[Note, ...]:
    from pm2sd.notes import Fidelity, Note

    return tuple(
        Note(note["option"], Fidelity(note["fidelity"]), note["text"]) for note in json.loads(text)
    )
