"""``watch`` and the options that are part of it: what of the app's files is watched, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pm2sd.ecosystem.finder import absolute
from pm2sd.ecosystem.nodes import Plain
from pm2sd.ecosystem.options.watch_options import WITHOUT_EFFECT
from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity
from pm2sd.watch.globs import NotUnderstood, compiled

# What PM2 sets, or the watcher does whatever is said.
_SETTLED = ("cwd", "ignored", "ignoreInitial", *WITHOUT_EFFECT)

_KEPT = (
    "hidden files and node_modules stay unwatched, which PM2 begins to watch with this option; "
    "name them in watch if you want them watched"
)


@dataclass(frozen=True, slots=True)
class Watching:
    """Fields of the App, under their names there."""

    watched: tuple[str, ...] = ()
    ignore_watch: tuple[str, ...] = ()
    watch_base: str = ""
    watch_delay: int = 0
    watch_options: Mapping[str, Plain] = field(default_factory=dict)


def watching(subject: Subject, cwd: str) -> Watching:
    """What the app's watcher is to do.

    PM2: lib/Watcher.js, which gives chokidar the app's ``cwd`` as its own, and lets
    ``watch_options`` say otherwise.
    """
    written = subject.declared.values.get("watch")
    if written is None or written is False:
        return Watching()
    watched = written if isinstance(written, tuple) and written else (".",)
    options: dict[str, Plain] = subject.get("watch_options", dict) or {}
    base = absolute(str(options.get("cwd") or "."), cwd, subject.machine.home)
    option = "watch_options" if "ignored" in options else "ignore_watch"
    ignored = options.get("ignored", subject.get("ignore_watch", tuple) or ())
    assert isinstance(ignored, tuple)
    if ignored:
        subject.note(option, Fidelity.BETTER, _KEPT)
    idle = [name for name in options if name in WITHOUT_EFFECT]
    if idle:
        text = f"the library that PM2 watches with is set by {', '.join(idle)}; there is none here"
        subject.note("watch_options", Fidelity.NO_EFFECT, text)
    if not options.get("disableGlobbing"):
        _check_watched(subject, watched, base)
    return Watching(
        watched=watched,
        ignore_watch=_understood(subject, option, ignored, base),
        watch_base=base,
        watch_delay=subject.get("watch_delay", int) or 0,
        watch_options={name: value for name, value in options.items() if name not in _SETTLED},
    )


def _check_watched(subject: Subject, patterns: Sequence[str], base: str) -> None:
    for pattern in patterns:
        try:
            compiled(pattern.removeprefix("!"), base)
        except NotUnderstood as reason:
            hint = "patterns have *, **, ?, [a-z], {a,b} and !(a); a watched !PATTERN is ignored"
            subject.problem("watch", f"watch: {pattern!r} is no pattern of paths: {reason}", hint)


def _understood(
    subject: Subject, option: str, patterns: Sequence[str], base: str
) -> tuple[str, ...]:
    """The patterns that stand for something; people write regular expressions here, in vain."""
    kept = []
    for pattern in patterns:
        try:
            compiled(pattern, base)
        except NotUnderstood as reason:
            text = f"{pattern!r} stands for no path, here as in PM2: {reason}"
            subject.note(option, Fidelity.NO_EFFECT, text)
        else:
            kept.append(pattern)
    return tuple(kept)
