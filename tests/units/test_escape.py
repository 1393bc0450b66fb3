from __future__ import annotations

from collections.abc import Callable

import pytest

from pm2sd.errors import CannotCarry, ExitStatus
from pm2sd.units import escape, fitting
from pm2sd.units.model import INSTANCE, Output, Text


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ("app.js", "app.js"),
        ("--port=80,81+a:b@c", "--port=80,81+a:b@c"),
        ("", '""'),
        ("a b", '"a b"'),
        (";", '";"'),
        ('say "hi"', r'"say \"hi\""'),
        ("it's", '"it\'s"'),
        ("back\\slash", r'"back\\slash"'),
        ("100%", '"100%%"'),
        ("%i", '"%%i"'),
        ("$HOME ${HOME}", '"$HOME ${HOME}"'),
        ("a\nb\tc\rd", r'"a\nb\tc\x0dd"'),
        ("\x01\x7f", r'"\x01\x7f"'),
        ("é漢😀", '"é漢😀"'),
        ("\uffff", r'"\xef\xbf\xbf"'),
        ("\udcff", r'"\xff"'),
        ("#", '"#"'),
        (("a@", INSTANCE), "a@%i"),
        ((INSTANCE,), '"%i"'),
        (("a %", INSTANCE), '"a %%%i"'),
    ],
)
def test_arguments(argument: Text, written: str) -> None:
    assert escape.exec_line(("/bin/app", argument)) == f"/bin/app {written}"


def test_a_program_path_with_blanks_is_quoted() -> None:
    assert escape.exec_line(("/opt/my app/é",)) == '"/opt/my app/é"'


@pytest.mark.parametrize(
    "program", ["app", "", "/dir/", "/a'b", '/a"b', "/a\\b", "/a\tb", "/\udcff"]
)
def test_program_paths_that_systemd_refuses(program: str) -> None:
    assert not fitting.fits_program(program)
    with pytest.raises(CannotCarry, match="the program"):
        escape.exec_line((program,))


def test_environment_is_sorted_and_always_quoted() -> None:
    environment: dict[str, Text] = {"b": "1", "A": 'x "y" \\ 50% $z\n', "a": ("p", INSTANCE)}
    assert escape.assignments(environment) == [
        r'"A=x \"y\" \\ 50%% $z\n"',
        '"a=p%i"',
        '"b=1"',
    ]


def test_environment_files_have_their_own_quoting() -> None:
    variables = {"B": "", "A": 'x "y" \\ 50% $z `id`\n\'\r'}
    assert escape.environment_lines(variables) == [
        'A="x \\"y\\" \\\\ 50% \\$z \\`id\\`\n\'\r"',
        'B=""',
    ]


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/srv/app", "/srv/app/"),
        ("/srv/a b ", "/srv/a b /"),
        ("/srv/50%\\", "/srv/50%%\\/"),
        ("/", "//"),
    ],
)
def test_directories(path: str, written: str) -> None:
    assert escape.directory(path) == written


@pytest.mark.parametrize(
    ("where", "written"),
    [
        (Output("journal"), "journal"),
        (Output("null"), "null"),
        (Output("append", "/var/log/my app 5%.log"), "append:/var/log/my app 5%%.log"),
        (Output("append", ("/l/a-", INSTANCE, ".log")), "append:/l/a-%i.log"),
        (Output("append", ("/l/a ", INSTANCE)), "append:/l/a %i"),
    ],
)
def test_outputs(where: Output, written: str) -> None:
    assert fitting.fits_output(where)
    assert escape.output(where) == written


@pytest.mark.parametrize("path", ["/l/a ", "/l/a\t", "/l/a\\", "/l/a\nb", "/l/a\rb", "/l/\udcff"])
def test_outputs_that_no_directive_can_name(path: str) -> None:
    assert not fitting.fits_output(Output("append", path))
    with pytest.raises(CannotCarry, match="the log file"):
        escape.output(Output("append", path))


def test_an_environment_file_is_a_glob_pattern() -> None:
    assert escape.environment_file(r"/h/\x40a%*[") == r"/h/\\x40a%%\*\["


def test_runtime_directories_are_words() -> None:
    assert escape.runtime_directory(("a/b c:%\\é@", INSTANCE)) == r"a/b\x20c\x3a%%\x5c\xc3\xa9@%i"


def test_prose_shows_what_it_cannot_hold() -> None:
    text = ('50% of\n"it" \ud800\0 (', INSTANCE, ")\\")
    assert escape.prose(text) == r'50%% of\x0a"it" \xed\xa0\x80\x00 (%i)\x5c'


@pytest.mark.parametrize("text", [" a", "a ", "a\n", "a\\", "\udcff", "\0"])
def test_plain_values_arrive_exactly_or_not_at_all(text: str) -> None:
    assert escape.plain((r"\x40a 5%@", INSTANCE)) == r"\x40a 5%%@%i"
    with pytest.raises(CannotCarry):
        escape.plain(text)


def test_numbers() -> None:
    assert escape.span(1600) == "1600ms"
    assert escape.span(0) == "0ms"
    assert escape.timeout(0) == "1ms"
    assert escape.count(314_572_800) == "314572800"
    assert escape.codes((0, 42)) == "0 42"
    with pytest.raises(ValueError, match="negative"):
        escape.span(-1)


@pytest.mark.parametrize("name", ["", "web", "a b.service", "a\n.service", "é.service"])
def test_only_unit_names_pass_for_unit_names(name: str) -> None:
    assert escape.unit(r"\x40a@1.service") == r"\x40a@1.service"
    with pytest.raises(ValueError, match="no unit name"):
        escape.unit(name)


@pytest.mark.parametrize("text", ["", "SIG INT", "SIGINT\n", "a=b"])
def test_only_words_pass_for_words(text: str) -> None:
    assert escape.word("SIGRTMIN+3") == "SIGRTMIN+3"
    with pytest.raises(CannotCarry):
        escape.word(text)


BIG = "x" * 131_072


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda: escape.exec_line(("/a", "b", "c\0")), r"argument 2 \('c\\x00'\) holds a NUL"),
        (lambda: escape.exec_line(("/a", "\ud800")), "argument 1 .* half of a surrogate pair"),
        (lambda: escape.exec_line(("/a", BIG)), "argument 1 .* has 131072 bytes"),
        (lambda: escape.assignments({"A": "\0"}), "the variable 'A' holds a NUL"),
        (lambda: escape.assignments({"A": BIG[4:] + "é"}), "the variable 'A' has 131072 bytes"),
        (lambda: escape.assignments({"A": "\udcff"}), "the variable 'A' is not UTF-8"),
        (lambda: escape.assignments({"a.b": ""}), "the variable 'a.b' has a name"),
        (lambda: escape.assignments({"A\n": ""}), "has a name"),
        (lambda: escape.environment_lines({"1A": ""}), "the variable '1A' has a name"),
        (lambda: escape.environment_lines({"A": "\uffff"}), "the variable 'A' is not UTF-8"),
        (lambda: escape.environment_lines({"A": "\0"}), "the variable 'A' holds a NUL"),
        (lambda: escape.directory("/a\nb"), r"the directory '/a\\nb' has a name"),
        (lambda: escape.directory("/a\0b"), "the directory .* holds a NUL"),
        (lambda: escape.environment_file("/a\rb"), "the environment file"),
    ],
)
def test_what_cannot_be_carried_is_refused_by_name(
    write: Callable[[], object], message: str
) -> None:
    with pytest.raises(CannotCarry, match=message) as caught:
        write()
    assert caught.value.code is ExitStatus.INVALID_CONFIG


def test_the_largest_argument_and_variable_pass() -> None:
    assert escape.exec_line(("/a", BIG[1:])).endswith(BIG[1:])
    assert escape.assignments({"A": BIG[3:]}) == [f'"A={BIG[3:]}"']


@pytest.mark.parametrize(
    "write",
    [escape.environment_lines, escape.assignments],
)
def test_errors_do_not_show_the_values_of_variables(
    write: Callable[[dict[str, str]], object],
) -> None:
    with pytest.raises(CannotCarry) as caught:
        write({"TOKEN": "hunter2\0"})
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"
