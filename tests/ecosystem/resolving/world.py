"""A small machine in a temporary directory, and apps resolved on it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pm2sd.ecosystem.app import App
from pm2sd.ecosystem.declare import declare
from pm2sd.ecosystem.declared import Declared
from pm2sd.ecosystem.nodes import Node, Source
from pm2sd.ecosystem.places import key_path
from pm2sd.ecosystem.resolve import Resolved, ResolvedAll, resolve, resolve_all
from pm2sd.errors import Location
from pm2sd.notes import Note

ELF = b"\x7fELF\x02\x01\x01\0" + bytes(8)


class World:
    """A machine with four CPUs, made of real files: programs in ``bin``, apps in ``srv/app``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = str(root / "home")
        self.base = str(root / "srv/app")
        self.cwd = self.base
        self.user = "ada"
        self.uid = 1815
        self.group = "engines"
        self.gid = 1852
        self.system = False
        self.target: int | None = None
        self.environ: Mapping[str, str] = {"PATH": str(root / "bin"), "HOME": self.home}
        self.source = Source(
            "ecosystem.yaml", Path(self.base, "ecosystem.yaml"), "", Node({}, Location("x"))
        )
        for directory in (self.home, self.base, root / "bin"):
            Path(directory).mkdir(parents=True)

    def write(self, path: str, content: bytes | str = "", *, executable: bool = False) -> str:
        """A file, relative to the app's directory; its absolute path."""
        file = Path(self.base, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(0o755 if executable else 0o644)
        return str(file)

    def program(self, *names: str) -> str:
        """Binaries in PATH; the absolute path of the last one."""
        for name in names:
            self.write(str(self.root / "bin" / name), ELF, executable=True)
        return str(self.root / "bin" / names[-1])

    def declared(self, *apps: Mapping[str, Any]) -> list[Declared]:
        """The apps as reading them leaves them; there must be nothing wrong with them."""
        found = [
            declare(node_of(app, ("apps", index)), self.source) for index, app in enumerate(apps)
        ]
        assert [problems for _, problems in found if problems] == []
        return [one for one, _ in found]

    def resolve(self, env_name: str | None = None, /, **options: Any) -> Resolved:
        """One app with these options, resolved here."""
        (declared,) = self.declared(options)
        return resolve(
            declared, machine=self, base=self.base, source=self.source, env_name=env_name
        )

    def resolve_all(self, *apps: Mapping[str, Any], env_name: str | None = None) -> ResolvedAll:
        """Several apps of one file, resolved here."""
        return resolve_all(
            self.declared(*apps),
            machine=self,
            base=self.base,
            source=self.source,
            env_name=env_name,
        )

    def app(self, env_name: str | None = None, /, **options: Any) -> App:
        """The App of one with these options, with which nothing may be wrong."""
        resolved = self.resolve(env_name, **options)
        assert resolved.problems == ()
        assert resolved.app is not None
        return resolved.app

    def problem(self, **options: Any) -> tuple[str, str, str]:
        """The one thing wrong with an app: the key it is at, the message, the hint."""
        resolved = self.resolve(**options)
        assert resolved.app is None
        (problem,) = resolved.problems
        assert problem.where is not None
        return problem.where.key, problem.message, problem.hint or ""

    def is_calendar_event(self, text: str) -> bool:
        return text == "Mon..Fri 09:30"

    def user_name(self, name_or_uid: str) -> str | None:
        return {"1815": "ada", "33": "www-data"}.get(
            name_or_uid, name_or_uid if name_or_uid in ("ada", "www-data", "root") else None
        )

    def group_name(self, name_or_gid: str) -> str | None:
        return name_or_gid if name_or_gid in ("ada", "www-data", "engines") else None

    def cpu_count(self) -> int:
        return 4

    def which(self, program: str, path: str | None = None) -> str | None:
        return shutil.which(program, path=self.environ.get("PATH") if path is None else path)

    def is_file(self, path: str) -> bool:
        return os.path.isfile(path)

    def is_directory(self, path: str) -> bool:
        return os.path.isdir(path)

    def is_executable(self, path: str) -> bool:
        return os.path.isfile(path) and os.access(path, os.X_OK)

    def directives(self, section: str) -> frozenset[str]:
        known = {"Unit": {"After", "Documentation"}, "Service": {"LimitNOFILE", "IOAccounting"}}
        return frozenset(known.get(section, ()))

    def gains_privileges(self, path: str) -> bool:
        return bool(os.stat(path).st_mode & stat.S_ISUID)

    def head(self, path: str, size: int) -> bytes:
        return Path(path).read_bytes()[:size] if os.path.isfile(path) else b""

    def read(self, path: str) -> bytes | None:
        return Path(path).read_bytes() if os.path.isfile(path) else None

    def list_directory(self, path: str) -> tuple[str, ...]:
        return tuple(sorted(os.listdir(path))) if os.path.isdir(path) else ()


def node_of(value: Any, path: tuple[str | int, ...] = ("apps", 0)) -> Node:
    """Plain data as nodes that know their keys."""
    where = Location("ecosystem.yaml", key=key_path(path))
    if isinstance(value, Mapping):
        entries = {key: node_of(item, (*path, key)) for key, item in value.items()}
        return Node(entries, where, where)
    if isinstance(value, list):
        items = tuple(node_of(item, (*path, index)) for index, item in enumerate(value))
        return Node(items, where, where)
    return Node(value, where, where)


def about(notes: tuple[Note, ...], option: str) -> str:
    """The text of the notes on one option."""
    return "\n".join(f"{note.fidelity}: {note.text}" for note in notes if note.option == option)
