"""The apps that the unit files on disk describe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pm2sd.ecosystem.app import App
from pm2sd.notes import Fidelity, Note
from pm2sd.units import names
from pm2sd.units.mark import ParsedMark, environment_variables, read_mark, sections


@dataclass(frozen=True, slots=True)
class StoredApp:
    """An app as its unit files record it.

    ``ids`` are its instances' numbers in their order; ``notes`` what reading and resolving the app
    had to say, ``translation_notes`` what translating it added; ``files`` the texts of all its
    files by path relative to the unit directory.
    """

    app: App
    ids: tuple[int, ...]
    notes: tuple[Note, ...]
    translation_notes: tuple[Note, ...]
    files: Mapping[str, str] = field(repr=False)

    @property
    def instances(self) -> tuple[str, ...]:
        """The unit names of its instances, in their order."""
        return tuple(names.instance(self.app.name, n) for n in range(self.app.instances))

    @property
    def auxiliary(self) -> tuple[str, ...]:
        """The units beside its instances that run whenever its target does."""
        return auxiliary(self.app.name, self.files)

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
    at work), by app name; ``namespaces`` those of the namespace targets, by path.
    """

    apps: Mapping[str, StoredApp]
    leftovers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    namespaces: Mapping[str, str] = field(default_factory=dict)

    def next_id(self) -> int:
        """The id of the next new instance: PM2 counts up and starts over when nothing is left."""
        return (
            max((number for stored in self.apps.values() for number in stored.ids), default=-1) + 1
        )


def read_stored(files: Mapping[str, str]) -> Stored:
    """The apps described by the managed files of the unit directory (path -> text)."""
    by_app: dict[str, dict[str, tuple[str, ParsedMark]]] = {}
    namespaces = {}
    for path, text in files.items():
        mark = read_mark(text)
        if mark is None:
            continue
        if mark.app == "":
            namespaces[path] = text
        else:
            by_app.setdefault(mark.app, {})[path] = (text, mark)
    apps, leftovers = {}, {}
    for name, marked in by_app.items():
        stored = _stored_app(name, marked)
        if stored is None:
            leftovers[name] = {path: text for path, (text, _) in marked.items()}
        else:
            apps[name] = stored
    return Stored(apps, leftovers, namespaces)


def _stored_app(name: str, marked: Mapping[str, tuple[str, ParsedMark]]) -> StoredApp | None:
    entry = marked.get(names.target(name))
    if entry is None:
        return None
    record = entry[1].record
    secrets = marked.get(names.secrets_file(name))
    try:
        app = App.from_json(
            record["Record"], environment_variables(secrets[0]) if secrets else None
        )
        ids = tuple(int(number) for number in json.loads(record["Ids"]))
        notes, translation_notes = (_notes(record[key]) for key in ("Notes", "TranslationNotes"))
    except (KeyError, TypeError, ValueError):
        return None
    return StoredApp(
        app,
        ids,
        notes,
        translation_notes,
        {path: text for path, (text, _) in marked.items()},
    )


def _notes(text: str) -> tuple[Note, ...]:
    return tuple(
        Note(note["option"], Fidelity(note["fidelity"]), note["text"]) for note in json.loads(text)
    )
