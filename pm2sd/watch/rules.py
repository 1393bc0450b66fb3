"""Which directories are looked into, and which changes there restart the app. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import NamedTuple, Self

from pm2sd.watch.globs import Pattern, compiled, is_glob, parent


class Root(NamedTuple):
    """Something to watch: a file, or a directory with all that is below it.

    With a ``pattern`` only the paths that it stands for; ``hidden`` says that it names files with
    a leading dot.
    """

    path: str
    pattern: Pattern | None = None
    hidden: bool = False

    def below(self, path: str) -> str | None:
        """The path relative to this one, empty for itself; None for a path elsewhere."""
        if path == self.path:
            return ""
        start = self.path.rstrip("/") + "/"
        return path[len(start) :] if path.startswith(start) else None


class Rules(NamedTuple):
    """All there is to say about what is watched; paths are absolute and without ``..``.

    ``files`` are ignored with all whose paths begin like theirs: logs, and logs rotated away.
    ``depth`` is how many levels of directories below a root are looked into, None for all.
    """

    roots: tuple[Root, ...]
    ignored: tuple[Pattern, ...] = ()
    files: tuple[str, ...] = ()
    depth: int | None = None
    base: str = "/"

    @classmethod
    def read(
        cls,
        watched: Iterable[str],
        ignored: Iterable[str],
        *,
        base: str,
        files: Iterable[str] = (),
        depth: int | None = None,
        globbing: bool = True,
    ) -> Self:
        """The rules for paths and patterns relative to ``base``, as chokidar takes them.

        A watched ``!PATTERN`` is one more to ignore. Raises NotUnderstood.
        """
        roots, not_watched = [], [*ignored]
        for text in watched:
            if text.startswith("!"):
                not_watched.append(text[1:])
            else:
                roots.append(_root(text, base, globbing=globbing))
        patterns = tuple(compiled(text, base) for text in not_watched)
        return cls(tuple(roots), patterns, tuple(files), depth, base)

    def matters(self, path: str) -> bool:
        """Whether a change of this path is one to restart for."""
        return not self._is_ignored(path) and any(
            self._is_within(root, path) and (root.pattern is None or root.pattern.matches(path))
            for root in self.roots
        )

    def descends(self, directory: str) -> bool:
        """Whether something in this directory could matter, the directory itself aside."""
        return not self._is_ignored(directory) and any(
            self._is_within(root, directory, extra=1) for root in self.roots
        )

    def shown(self, path: str) -> str:
        """The path for people: relative to the base where it is below it."""
        return path.removeprefix(self.base.rstrip("/") + "/")

    def _is_ignored(self, path: str) -> bool:
        name = posixpath.basename(path)
        return (
            _is_temporary(name)
            or path.startswith(self.files)
            or any(pattern.matches(path) for pattern in self.ignored)
        )

    def _is_within(self, root: Root, path: str, extra: int = 0) -> bool:
        """Whether a path is below a root, not too deep, and through no hidden name.

        What is named itself in ``watch`` is watched, hidden or not.
        """
        below = root.below(path)
        if not below:
            return below is not None
        names = below.split("/")
        if self.depth is not None and len(names) + extra > self.depth + 1:
            return False
        if root.hidden and not extra:
            return not any(map(_is_hidden, names[:-1])) and "node_modules" not in names[-1]
        return not any(map(_is_hidden, names))


def _root(text: str, base: str, *, globbing: bool) -> Root:
    if not globbing or not is_glob(text):
        return Root(posixpath.normpath(posixpath.join(base, text)))
    last = posixpath.basename(text.rstrip("/"))
    return Root(parent(text, base), compiled(text, base), last.startswith("."))


def _is_hidden(name: str) -> bool:
    r"""What PM2 does not watch by default: ``/[\/\\]\.|node_modules/`` (lib/Watcher.js)."""
    return name.startswith(".") or "node_modules" in name


def _is_temporary(name: str) -> bool:
    """What editors write beside a file while saving it; chokidar's option ``atomic``."""
    return name.endswith(("~", ".swp", ".swx")) or (".subl" in name and name.endswith(".tmp"))
