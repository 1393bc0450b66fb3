"""The user's unit directory: which files in it are ours, and changing them safely."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from pm2sd.systemd import scope
from pm2sd.systemd.durable import failure, sync_directory, write_synced
from pm2sd.systemd.paths import unit_directory_text
from pm2sd.units.mark import MARK_PREFIX
from pm2sd.units.names import template_of

if TYPE_CHECKING:
    from pathlib import Path

    from pm2sd.errors import Pm2sdError

_UNIT_SUFFIXES: Final = (".service", ".target", ".socket", ".timer", ".path", ".slice")
_DROP_IN_SUFFIXES: Final = (".conf", ".env")
_MARK: Final = MARK_PREFIX.encode()
_CHUNK: Final = 65536
_NOT_OURS: Final = (errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EACCES, errno.EPERM)
"""What opening a file says that is gone, was replaced, or may not be read (open(2))."""

_AT_BOOT: Final = "default.target.wants"

_STAGING: Final = ".pm2sd-new"
"""Where files are written before they are renamed; systemd passes over hidden names."""


class UnitDirectory:
    """A directory of unit files, shared with files that are none of ours.

    Paths are relative to it: ``web@.service``, ``web@0.service.d/10-pm2sd.conf``. Text is UTF-8;
    bytes that are not survive reading and writing as surrogates. Writers hold the apply lock.
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path | None = None) -> None:
        self._path = str(path) if path else unit_directory_text()

    @property
    def path(self) -> Path:
        """Where it is. Only made on demand: the list of apps loads no pathlib."""
        from pathlib import Path

        return Path(self._path)

    def problem(self) -> str:
        """Why files cannot be kept here, in words; empty where they can.

        Where it does not exist yet, what is above it decides.
        """
        path = self._path
        while not os.path.lexists(path) and path != "/":
            path = os.path.dirname(path)  # noqa: PTH120 (it is text)
        if not os.path.isdir(path):  # noqa: PTH112
            return f"{path} is no directory"
        if not os.access(path, os.R_OK | os.X_OK):
            return f"{path} may not be read"
        return "" if os.access(path, os.W_OK) else f"{path} may not be written"

    def read_managed(self) -> dict[str, str]:
        """The text of every file that begins with our mark, by path.

        Symbolic links and files that may not be read are not ours. Raises Pm2sdError where the
        directory may not be read, or reading fails: apps would be taken for gone.
        """
        found: dict[str, str] = {}
        for entry in self._own_entries():
            if entry.name.endswith(_UNIT_SUFFIXES):
                _keep_if_marked(entry, entry.name, found)
            elif entry.name.endswith(".d") and entry.is_dir(follow_symlinks=False):
                for inner in _entries(entry.path):
                    if inner.name.endswith(_DROP_IN_SUFFIXES):
                        _keep_if_marked(inner, f"{entry.name}/{inner.name}", found)
        return found

    def _own_entries(self) -> list[os.DirEntry[str]]:
        """What is in the directory; nothing where there is none."""
        try:
            with os.scandir(self._path) as entries:
                return list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise failure(error, "read", self.path) from error

    def read(self, relative: str) -> str | None:
        """The text of a file, ours or not; None where there is none."""
        path = self.path / relative
        try:
            return path.read_bytes().decode(errors="surrogateescape")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failure(error, "read", path) from error

    def exists(self, relative: str) -> bool:
        """Whether there is such a file; a dangling symbolic link counts."""
        return os.path.lexists(f"{self._path}/{relative}")

    def write(self, files: Mapping[str, str]) -> None:
        """Give files new contents, mode 0600; see ``staged``."""
        with self.staged(files) as put_in_place:
            put_in_place()

    @contextmanager
    def staged(self, files: Mapping[str, str]) -> Iterator[Callable[[], None]]:
        """Files written aside, all of them, which a call of what this gives puts in their places.

        Raises Pm2sdError; whatever fails before the first is in its place leaves the directory as
        it was, and so does leaving the context without the call.
        """
        if not files:
            yield lambda: None
            return
        root = self.path
        staging = root / _STAGING
        made: list[Path] = []
        staged: list[tuple[Path, Path]] = []
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            staging.mkdir(mode=0o700, exist_ok=True)
            _empty(staging)
            for number, (relative, text) in enumerate(files.items()):
                target = root / relative
                if not target.parent.is_dir():
                    target.parent.mkdir(mode=0o700)
                    made.append(target.parent)
                staged.append((staging / str(number), target))
                write_synced(staged[-1][0], text.encode(errors="surrogateescape"))
        except OSError as error:
            _discard(staging, made)
            raise failure(error, "write", root) from error
        try:
            yield lambda: _put_in_place(root, staging, staged, made)
        finally:
            _discard(staging, made)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files, which may be gone already, and ``.d`` directories left empty by it."""
        root = self.path
        parents = {root}
        try:
            for relative in paths:
                path = root / relative
                path.unlink(missing_ok=True)
                parents.add(path.parent)
            for directory in parents - {root}:
                with suppress(OSError):  # not empty, or gone
                    directory.rmdir()
            for directory in parents:
                if directory.is_dir():
                    sync_directory(directory)
        except OSError as error:
            raise failure(error, "remove", root) from error

    def boot_links(self) -> list[str]:
        """The units that the user's manager starts by itself, by their links in this directory."""
        return sorted(entry.name for entry in _entries(f"{self._path}/{_AT_BOOT}"))

    def link_to_boot(self, units: Iterable[str]) -> None:
        """Have instances started at boot, which have no [Install] section to be enabled by."""
        directory = self.path / _AT_BOOT
        try:
            for unit in units:
                directory.mkdir(mode=0o700, exist_ok=True)
                (directory / unit).symlink_to(self.path / template_of(unit))
        except OSError as error:
            raise failure(error, "write", directory) from error
        self.sync_boot_links()

    def unlink_from_boot(self, units: Iterable[str]) -> None:
        """Take back links, which may be gone already."""
        directory = self.path / _AT_BOOT
        try:
            for unit in units:
                (directory / unit).unlink(missing_ok=True)
        except OSError as error:
            raise failure(error, "remove", directory) from error
        self.sync_boot_links()

    def sync_boot_links(self) -> None:
        """Wait until the disk has them: systemd, which makes most of them, does not."""
        links = {self.path / _AT_BOOT, self.path / scope.wants_directory()}
        for directory in (self.path, *links):
            with suppress(FileNotFoundError):
                sync_directory(directory)

    def drop_ins(self, units: Iterable[str]) -> list[tuple[str, str]]:
        """The drop-ins in this directory that others wrote for these units: unit and path.

        Those of an instance's template (``web@.service.d/``) count for the instance.
        """
        found: list[tuple[str, str]] = []
        for unit in units:
            for name in dict.fromkeys((unit, template_of(unit))):
                found += [
                    (unit, entry.path)
                    for entry in sorted(_entries(f"{self._path}/{name}.d"), key=lambda e: e.name)
                    if entry.name.endswith(".conf") and not _is_marked(entry)
                ]
        return found

    def foreign_units(self, names: Iterable[str], unit_path: Sequence[str]) -> dict[str, str]:
        """Which of these units exist and are not ours, and where.

        ``unit_path`` is the manager's ``UnitPath``. In this directory a file without our mark is
        foreign; in any other, every file is.
        """
        wanted = tuple(names)
        ours = os.path.realpath(self._path)
        found: dict[str, str] = {}
        for directory in dict.fromkeys((self._path, *unit_path)):
            own = os.path.realpath(directory) == ours
            present = {entry.name: entry for entry in _entries(directory)} if wanted else {}
            for name in wanted:
                entry = present.get(name)
                if entry is not None and not (own and _is_marked(entry)):
                    found.setdefault(name, entry.path)
        return found


def _put_in_place(
    root: Path, staging: Path, staged: Sequence[tuple[Path, Path]], made: list[Path]
) -> None:
    try:
        for source, target in staged:
            source.replace(target)
            made.clear()
        staging.rmdir()
        for directory in {root, *(target.parent for _, target in staged)}:
            sync_directory(directory)
    except OSError as error:
        raise failure(error, "write", root) from error


def _entries(directory: Path | str) -> Iterator[os.DirEntry[str]]:
    """The entries of a directory; none where it does not exist or may not be read.

    Raises Pm2sdError for any other failure.
    """
    try:
        with os.scandir(directory) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    except OSError as error:
        raise _unreadable(error, directory) from error


def _marked_bytes(entry: os.DirEntry[str]) -> bytes | None:
    """A regular file's contents if it begins with our mark; the rest is not read otherwise.

    One that is gone, has become something else, or may not be read is not ours. Raises Pm2sdError
    for any other failure.
    """
    try:
        if not entry.is_file(follow_symlinks=False):
            return None
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            data = os.read(descriptor, _CHUNK)
            if not data.startswith(_MARK):
                return None
            while len(data) % _CHUNK == 0 and (more := os.read(descriptor, _CHUNK)):
                data += more
            return data
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _NOT_OURS:
            return None
        raise _unreadable(error, entry.path) from error


def _unreadable(error: OSError, path: Path | str) -> Pm2sdError:
    from pathlib import Path

    return failure(error, "read", Path(path))


def _is_marked(entry: os.DirEntry[str]) -> bool:
    return _marked_bytes(entry) is not None


def _keep_if_marked(entry: os.DirEntry[str], relative: str, found: dict[str, str]) -> None:
    data = _marked_bytes(entry)
    if data is not None:
        found[relative] = data.decode(errors="surrogateescape")


def _empty(directory: Path) -> None:
    """Remove what a killed run left behind. Raises OSError."""
    for path in directory.iterdir():
        path.unlink()


def _discard(staging: Path, made: Iterable[Path]) -> None:
    """Take back what was made aside; failing at it must not hide the first error."""
    with suppress(OSError):
        _empty(staging)
        staging.rmdir()
    for directory in made:
        with suppress(OSError):
            directory.rmdir()
