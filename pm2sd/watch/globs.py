"""Path patterns as PM2 takes them: those of chokidar 3, which are anymatch's and picomatch's.

``*`` and ``?`` stay within a name, ``**`` as a whole name crosses directories, braces and extended
globs (``@(a|b)``, ``!(a)``) work, and a leading dot is nothing special. A pattern stands for a
whole path; one that is not absolute begins in a base directory, whose own name is taken literally.
What chokidar does was measured: tests/watch/globs.json.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final, NamedTuple

_NAME: Final = "[^/]*?"
_PATH: Final = ".*?"

# is-glob's answer, by which chokidar takes a text for a pattern and not for a path.
_GLOB: Final = re.compile(
    r"\*|[\].+)]\?|\[[^\]]+\]|\{[^}]+\}|[@?!+*]\(.*\)|\([^|]+\|[^)]+\)", re.DOTALL
)
_SPECIAL: Final = re.compile(r"[*?\[\]{}()|!+@]")
_REGULAR: Final = re.compile(r"[-*+?.^${}(|)\[\]]")
_EXTENSION: Final = re.compile(r"\.[^/.]+")
_REPEATED: Final = {"?": "?", "*": "*", "+": "+", "@": ""}


class NotUnderstood(ValueError):
    """A pattern that chokidar makes nothing of, or something that nobody would expect."""


def is_glob(text: str) -> bool:
    """Whether the text is a pattern; otherwise it is a path, and stands for all that is below."""
    return _GLOB.search(text) is not None


class Pattern(NamedTuple):
    """A pattern ready to be used: ``path`` is it as a path, with nothing special in it."""

    path: str
    expression: re.Pattern[str]

    def matches(self, path: str) -> bool:
        """Whether it stands for this absolute path, which has no ``.``, ``..`` or ``//``."""
        return path == self.path or self.expression.fullmatch(path) is not None


def compiled(text: str, base: str) -> Pattern:
    """The pattern, relative to the absolute directory ``base``. Raises NotUnderstood."""
    for foreign in ("\\", '"', "[:", "(?"):
        if foreign in text:
            raise NotUnderstood(f"{foreign} is not for path patterns")
    directory, rest = _placed(text, base)
    source = re.escape(directory.rstrip("/")) + (_Translation(f"/{rest}").whole() if rest else "")
    if not is_glob(rest):
        source += "(?:/.*)?"
    try:
        expression = re.compile(source, re.DOTALL)
    except re.error as error:
        raise NotUnderstood(str(error)) from None
    return Pattern(posixpath.join(directory, rest) if rest else directory, expression)


def parent(text: str, base: str) -> str:
    """The deepest directory that all paths of a pattern are below."""
    directory, rest = _placed(text, base)
    names = []
    for name in rest.split("/")[:-1]:
        if _SPECIAL.search(name):
            break
        names.append(name)
    return posixpath.join(directory, *names)


def _placed(text: str, base: str) -> tuple[str, str]:
    """The literal directory that a pattern begins in, and the rest of it."""
    directory, rest = ("/", text.lstrip("/")) if text.startswith("/") else (base, text)
    rest = posixpath.normpath(rest)
    while rest == ".." or rest.startswith("../"):
        directory, rest = posixpath.dirname(directory), rest[3:]
    return directory, "" if rest == "." else rest


class _Translation:
    """A pattern on its way to a regular expression. It begins with a slash."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._groups = 0

    def whole(self) -> str:
        """The expression of all of it."""
        return self._until("")

    def _until(self, ends: str) -> str:
        """The expression up to one of the characters ``ends``, which are left standing."""
        pieces = []
        while self._at < len(self._text) and self._text[self._at] not in ends:
            pieces.append(self._piece())
        return "".join(pieces)

    def _piece(self) -> str:
        char, text, at = self._text[self._at], self._text, self._at
        if char in "@?!+*" and text[at + 1 : at + 2] == "(":
            return self._extended(char)
        match char:
            case "/":
                return self._slash()
            case "*":
                return self._stars()
            case "?":
                self._at += 1
                return "?" if text[at - 1] == ")" else "[^/]"
            case "[":
                return self._bracket()
            case "{":
                return self._brace()
            case "(":
                return self._group()
            case "+":
                self._at += 1
                return "+" if self._groups or text[at - 1] in ")]}" else r"\+"
            case "|" | ")":
                raise NotUnderstood(f"{char!r} has no '(' before it")
        self._at += 1
        return re.escape(char)

    def _slash(self) -> str:
        """A slash, with the ``**`` that may follow it."""
        text, at = self._text, self._at
        while text.startswith("/**/**", at) and text[at + 6 : at + 7] in ("", "/"):
            at += 3
        if text.startswith("/**/", at):
            self._at = at + 4
            return f"(?:/{_PATH}/|/|$){self._no_empty_name()}"
        if text[at:] == "/**":
            # "a/**" stands for a as well, but "*/**" not for what "*" does.
            below = f"/{_PATH}"
            start, self._at = self._at, len(text)
            return below if text[:start].endswith("*") else f"(?:{below})?"
        self._at = at + 1
        return f"/{self._no_empty_name()}"

    def _no_empty_name(self) -> str:
        is_star = self._text.startswith("*", self._at) and self._text[self._at + 1 :][:1] != "("
        return "(?=[^/])" if is_star else ""

    def _stars(self) -> str:
        text, start = self._text, self._at
        while text.startswith("*", self._at):
            if text.startswith("*(", self._at) and self._at > start:
                break
            self._at += 1
        if self._at - start == 1:
            return _NAME
        before, after = text[start - 1], text[self._at : self._at + 1]
        if before in "(|)" or (after and after in "@?!+("):
            raise NotUnderstood("'**' stands between slashes, not beside brackets")
        is_name = before in "{," and after in ("/", ",", "}")
        return _PATH if self._groups and is_name and self._at - start == 2 else _NAME

    def _bracket(self) -> str:
        """A class of characters; one of plain characters also stands for itself: ``[id].js``."""
        end = self._text.find("]", self._at + 2)
        if end < 0:
            self._at += 1
            return r"\["
        inside = self._text[self._at + 1 : end]
        self._at = end + 1
        negated = inside.startswith("^")
        content = inside.removeprefix("^").replace("[", r"\[").replace("]", r"\]")
        content = content.replace("&&", r"&\&").replace("~~", r"~\~").replace("||", r"|\|")
        characters = f"[^/{content}]" if negated else f"[{content}]"
        if _REGULAR.search(inside):
            return characters
        return f"(?:{re.escape(f'[{inside}]')}|{characters})"

    def _brace(self) -> str:
        start = self._at
        self._at += 1
        self._groups += 1
        choices = [self._until(",}")]
        while self._text.startswith(",", self._at):
            self._at += 1
            choices.append(self._until(",}"))
        self._groups -= 1
        if self._at == len(self._text):
            raise NotUnderstood("a '{' is not closed")
        self._at += 1
        inside = self._text[start + 1 : self._at - 1]
        if len(choices) > 1 and ".." not in inside:
            return f"(?:{'|'.join(choices)})"
        if ".." in inside:
            return _range(inside)
        return rf"\{{{choices[0]}\}}"

    def _group(self) -> str:
        self._at += 1
        return f"(?:{self._choices()})"

    def _choices(self) -> str:
        self._groups += 1
        choices = [self._until("|)")]
        while self._text.startswith("|", self._at):
            self._at += 1
            choices.append(self._until("|)"))
        self._groups -= 1
        if self._at == len(self._text):
            raise NotUnderstood("a '(' is not closed")
        self._at += 1
        return "|".join(choices)

    def _extended(self, kind: str) -> str:
        start = self._at + 2
        self._at = start
        choices = self._choices()
        inside, rest = self._text[start : self._at - 1], self._text[self._at :]
        if kind in "*+" and any(not set(one) - set("*?") for one in inside.split("|")):
            raise NotUnderstood(f"{kind}({inside}) repeats what stands for anything")
        if kind != "!":
            return f"(?:{choices}){_REPEATED[kind]}"
        anything = _PATH if "/" in inside and len(inside) > 1 else _NAME
        if "*" in inside and _EXTENSION.fullmatch(rest):
            return f"(?!(?:{choices}){_Translation(rest).whole()}){anything}"
        # Only as the last of a pattern it means "all but"; elsewhere "what does not begin with".
        last = anything is _PATH or not rest.strip(")")
        return f"(?!(?:{choices}){'$' if last else ''}){anything}"


def _range(inside: str) -> str:
    first, _, last = inside.partition("..")
    if len(first) != 1 or len(last) != 1 or not (first + last).isalnum():
        raise NotUnderstood(f"{{{inside}}} is more than a range of single characters")
    return f"[{min(first, last)}-{max(first, last)}]"
