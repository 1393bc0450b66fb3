"""The ecosystem file that moved apps become: YAML with comments, in the order people write."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pm2sd.ecosystem.nodes import Plain, Scalar
from pm2sd.ecosystem.options.javascript import number_text
from pm2sd.moving.apps import Moved
from pm2sd.moving.options import in_order
from pm2sd.moving.secret_files import SecretFile, beside
from pm2sd.moving.variables import Why, is_secret

_WIDTH = 90
_PLAIN_REASONS = (Why.PM2, Why.SESSION, Why.SYSTEMD)
# Without quotes only what no version of YAML takes for anything but this text.
_BARE = re.compile(
    r"(?:[A-Za-z_]|\.{0,2}/|~/|--?[A-Za-z])[A-Za-z0-9_./@%+=~-]*(?::[/A-Za-z0-9_][A-Za-z0-9_./@%+=~-]*)*"
)
_SIZE = re.compile(r"[1-9][0-9]*[KMGT]")
_PLAIN_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")
_WORDS = frozenset(
    {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "inf", "nan", "infinity"}
)
_UNSEEN = re.compile(
    r"[\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def ecosystem_text(
    apps: Sequence[Moved],
    *,
    origin: str,
    remarks: Iterable[str] = (),
    files: Mapping[str, SecretFile] | None = None,
) -> str:
    """The file. ``origin`` says where the apps come from; ``remarks`` are about none of them.

    ``files`` are the secrets that stand in files of their own, by app.
    """
    files = files or {}
    head = [f"The apps of {origin}, written by pm2sd import.", "Apply them with: pm2sd apply"]
    head += [*remarks, *_left_out(_plainly_left_out(apps))]
    lines = [*_comment(head, ""), "apps:"]
    for app in apps:
        unsure = {
            name: why for name, why in app.variables.left_out.items() if why not in _PLAIN_REASONS
        }
        lines += [*_comment([*app.remarks, *_left_out(unsure)], "  ")]
        lines += _app(app, files.get(app.name))
    return "\n".join(lines) + "\n"


def holds_secrets(apps: Iterable[Moved], files: Mapping[str, SecretFile]) -> bool:
    """Whether the file holds what not everybody may read; ``env_NAME`` blocks count as well."""
    return any(beside(app, files.get(app.name)) or any(_secrets_of_blocks(app)) for app in apps)


def _secrets_of_blocks(app: Moved) -> Iterator[str]:
    for option, value in app.options.items():
        if option.startswith("env_") and isinstance(value, dict):
            yield from (name for name, text in value.items() if is_secret(name, str(text)))


def _plainly_left_out(apps: Iterable[Moved]) -> dict[str, Why]:
    """What no app can have set for itself, told once for all of them."""
    return {
        name: why
        for app in apps
        for name, why in app.variables.left_out.items()
        if why in _PLAIN_REASONS
    }


def _left_out(names: Mapping[str, Why]) -> Iterator[str]:
    for why in Why:
        these = sorted(name for name, reason in names.items() if reason is why)
        if these:
            yield f"Left out, {why}: {', '.join(map(_seen, these))}"


def _comment(paragraphs: Iterable[str], indent: str) -> list[str]:
    return [
        line
        for paragraph in paragraphs
        for line in textwrap.wrap(
            _seen(paragraph),
            _WIDTH,
            initial_indent=f"{indent}# ",
            subsequent_indent=f"{indent}#   ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]


def _seen(text: str) -> str:
    """The text on one line."""
    return " ".join(_UNSEEN.sub("?", text).split())


def _app(app: Moved, file: SecretFile | None) -> list[str]:
    sections = dict(app.options)
    if file:
        sections["env_file"] = file.written
    for section, variables in (("env", app.variables.own), ("secrets", beside(app, file))):
        if variables:
            sections[section] = {name: _number(variables[name]) for name in sorted(variables)}
    ordered = in_order(sections)
    lines = [line for name, value in ordered.items() for line in _entry(name, value, "    ")]
    return [f"  - {lines[0].lstrip()}", *lines[1:]]


def _number(text: str) -> Scalar:
    """A variable that is a plain number, as one; it comes out as the same text."""
    return int(text) if _PLAIN_NUMBER.fullmatch(text) else text


def _entry(name: str, value: Plain, indent: str) -> Iterator[str]:
    key = f"{indent}{_text(name)}:"
    match value:
        case dict() if value:
            yield key
            for inner, item in value.items():
                yield from _entry(inner, item, f"{indent}  ")
        case list() if len(f"{key} {_flow(value)}") > _WIDTH:
            yield key
            yield from (f"{indent}  - {_flow(item)}" for item in value)
        case _:
            yield f"{key} {_flow(value)}"


def _flow(value: Plain) -> str:
    match value:
        case dict():
            return f"{{{', '.join(f'{_text(key)}: {_flow(item)}' for key, item in value.items())}}}"
        case list():
            return f"[{', '.join(map(_flow, value))}]"
        case scalar:
            return _scalar(scalar)


def _scalar(value: Scalar) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case _:
            return number_text(value)


def _text(text: str) -> str:
    """A text, in quotes where it would be taken for something else without them."""
    if _SIZE.fullmatch(text) or (_BARE.fullmatch(text) and text.lower() not in _WORDS):
        return text
    if '"' in text and text.isprintable() and not _UNSEEN.search(text):
        return "'{}'".format(text.replace("'", "''"))
    # JSON is YAML, but for the characters that YAML wants escaped.
    return _UNSEEN.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
