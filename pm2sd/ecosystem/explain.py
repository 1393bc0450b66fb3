"""The options table for people: one option in full, all of them in a list or in a table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from textwrap import indent, shorten, wrap
from typing import Final

from pm2sd.ecosystem.nodes import Node
from pm2sd.ecosystem.options import ENV_BLOCK, OPTIONS, Option, Section, find, nearest
from pm2sd.errors import ExitStatus, Location, Pm2sdError
from pm2sd.notes import Fidelity

WIDTH: Final = 90

_VERDICTS: Final = {
    Fidelity.EXACT: "does what it does in PM2",
    Fidelity.BETTER: "does what it does in PM2, and more",
    Fidelity.APPROXIMATE: "does nearly what it does in PM2",
    Fidelity.NO_EFFECT: "is accepted and has no effect",
    Fidelity.REFUSED: "is refused",
}
_OUR_VERDICTS: Final = {
    Fidelity.BETTER: "is pm2sd's own",
    Fidelity.APPROXIMATE: "is pm2sd's own, and does not work everywhere",
}

_SENTENCE: Final = re.compile(r"\.(?= |$)")
_CLAUSE: Final = re.compile(r"[;:,](?= )")

_LEGEND: Final = """\
# What becomes of PM2's options

Generated from the options table by `python -m pm2sd.ecosystem.generate docs`; not edited by hand.
`pm2sd explain OPTION` says more about each.

Names of several words are also understood in camel case (`max_memory_restart`,
`maxMemoryRestart`). A key that neither PM2 nor pm2sd knows is ignored with a note; one that looks
like a slip of a known option is an error.

| | |
|---|---|
| **exact** | The same as in PM2. |
| **better** | The same, without a weakness that PM2 has. |
| **approximate** | Nearly the same; the difference is shown as a note. |
| **no effect** | Accepted with a note: there is nothing for it to do. |
| **refused** | An error that says what to do instead. |
"""


def explain(key: str) -> str:
    """Everything about one option, under any of its names, as text of several lines.

    Raises Pm2sdError (exit status 2) for a name that is none, with the nearest one.
    """
    option = _the_option(key)
    rows = "".join(f"  {label:<10}{text}\n" for label, text in _facts(option))
    prose = "\n\n".join(
        f"{label}\n{indent(_wrapped(text), '  ')}" for label, text in _prose(option) if text
    )
    return f"{option.name} {_verdict(option)}\n\n{rows}\n{prose}\n"


def overview() -> str:
    """Every option with the beginning of what it does, a line each, under the sections' names."""
    width = max(len(option.name) for option in OPTIONS)
    sections = ["\n".join([f"{section.value}:", *_entries(section, width)]) for section in Section]
    return "\n\n".join([*sections, "pm2sd explain OPTION says all about one.\n"])


def _entries(section: Section, width: int) -> Iterator[str]:
    for option in OPTIONS:
        if option.section is section:
            yield f"  {option.name:<{width}}  {_beginning(option.doc, WIDTH - width - 4)}"


def _beginning(text: str, width: int) -> str:
    """The first sentence of a text, or as many clauses of it as fit, or else as many words."""
    sentence = _SENTENCE.split(text, maxsplit=1)[0]
    if len(sentence) <= width:
        return sentence
    heads = [sentence[: end.start()] for end in _CLAUSE.finditer(sentence)]
    whole = [head for head in heads if len(head) <= width and head.count("(") == head.count(")")]
    return whole[-1] if whole else shorten(sentence, width, placeholder=" ...")


def record(key: str) -> dict[str, str]:
    """The same as data: ``name``, ``fidelity``, and the texts of ``explain`` that there are.

    Raises Pm2sdError as ``explain`` does.
    """
    option = _the_option(key)
    prose = {"pm2": option.pm2, "here": option.doc, "note": option.difference}
    texts = dict(_facts(option)) | prose | {"example": option.example}
    head = {"name": option.name, "fidelity": option.fidelity.value}
    return head | {label: text for label, text in texts.items() if text}


def _the_option(key: str) -> Option:
    option = find(key)
    if option is None:
        near = nearest(key)
        raise Pm2sdError(
            f"no option is called {key!r}",
            hint=f"did you mean {near!r}?" if near else "pm2sd explain lists them all",
            code=ExitStatus.USAGE,
        )
    return option


def _verdict(option: Option) -> str:
    verdicts = _OUR_VERDICTS if option.section is Section.OURS else _VERDICTS
    return verdicts[option.fidelity]


def _facts(option: Option) -> Iterator[tuple[str, str]]:
    others = option.spellings[1:]
    if others and option is not ENV_BLOCK:
        yield "also", ", ".join(others)
    if option.flags:
        yield "flags", ", ".join(name for flag in option.flags for name in flag.spellings)
    yield "takes", option.type.label
    yield "default", default_text(option)
    yield "becomes", option.becomes


def _prose(option: Option) -> Iterator[tuple[str, str]]:
    yield "In PM2:", option.pm2
    yield "Here:", option.doc
    yield "Note:", _sentence(option.difference)
    yield "Example:", option.example


def default_text(option: Option) -> str:
    """An option's default for people: with its unit, or in words where it depends."""
    if option.default is None:
        return option.default_text or "unset"
    parsed = option.type.parse(Node(option.default, Location(option.name)))  # type: ignore[arg-type]
    written = option.default if isinstance(option.default, str) else json.dumps(option.default)
    shown = option.type.show(parsed)
    return shown if shown.startswith(written) else f"{written} ({shown})"


def conversion_matrix() -> str:
    """``docs/conversion.md``: a table for each section of the options table."""
    return "\n".join([_LEGEND, *(_section(section) for section in Section)])


def _section(section: Section) -> str:
    lines = [
        f"## {section.value}",
        "",
        "| option | takes | default | becomes | |",
        "|---|---|---|---|---|",
    ]
    lines += [_row(option) for option in OPTIONS if option.section is section]
    return "\n".join(lines) + "\n"


def _row(option: Option) -> str:
    names = f"`{option.name}`"
    if option.aliases:
        names += "<br>" + ", ".join(f"`{alias}`" for alias in option.aliases)
    verdict = f"**{option.fidelity}**"
    if option.difference:
        verdict += f": {_sentence(option.difference)}"
    cells = (names, option.type.label, default_text(option), option.becomes, verdict)
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("~", "\\~")


def _wrapped(text: str) -> str:
    return "\n".join(wrap(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False))


def _sentence(text: str) -> str:
    """A note's text as a sentence of its own."""
    return f"{text[0].upper()}{text[1:].removesuffix('.')}." if text else ""
