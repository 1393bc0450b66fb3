"""JavaScript files: run by Node, apart from us; values find their way back to the text."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pm2sd.ecosystem.nodes import Node, Plain, Source, plain
from pm2sd.ecosystem.read import read
from pm2sd.errors import InvalidConfig, Problem

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


def load(file: Path, timeout: float = 60.0) -> Source:
    return read(str(file), stdin=None, timeout=timeout)


def mistakes(file: Path, timeout: float = 60.0) -> tuple[Problem, ...]:
    try:
        return load(file, timeout).problems
    except InvalidConfig as error:
        return error.problems()


def at(node: Node, *steps: str | int) -> Node:
    for step in steps:
        match node.value, step:
            case tuple() as items, int():
                node = items[step]
            case dict() as members, str():
                node = members[step]
            case _:
                raise KeyError(step)
    return node


def place(source: Source, *steps: str | int) -> str:
    """LINE:COLUMN of a value, or its key path where the text does not tell."""
    where = at(source.root, *steps).where
    return f"{where.line}:{where.column}" if where.line else where.key


APP: Plain = {"apps": [{"script": "a.js"}]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.config.js", "module.exports = { apps: [{ script: 'a.js' }] };"),
        ("a.config.cjs", "exports.apps = [{ script: 'a.js' }];"),
        ("a.config.mjs", "export default { apps: [{ script: 'a.js' }] };"),
        ("b.config.mjs", "export const apps = [{ script: 'a.js' }];"),
        (
            "c.config.mjs",
            "const x = await Promise.resolve('a.js');\nexport const apps = [{ script: x }];",
        ),
        ("esm/a.config.js", "export default { apps: [{ script: 'a.js' }] };"),
        (
            "b.config.js",
            "exports.__esModule = true; exports.default = { apps: [{ script: 'a.js' }] };",
        ),
        ("ecosystem.js", "module.exports = { apps: [{ script: 'a.js' }] };"),
    ],
)
def test_every_kind_of_module_is_read(write: Write, name: str, text: str) -> None:
    write("esm/package.json", '{"type": "module"}')
    source = load(write(name, text))
    assert plain(source.root) == APP


def test_what_the_file_prints_goes_to_standard_error(
    write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    file = write(
        "a.config.js",
        "console.log('{\"x\":1}'); process.stdout.write('out'); console.error('err');\n"
        "module.exports = { apps: [{ script: 'a.js' }] };",
    )
    assert plain(load(file).root) == APP
    out, err = capfd.readouterr()
    assert out == ""
    assert err == '{"x":1}\nouterr\n'


def test_the_file_sees_the_place_it_is_in_and_the_environment_it_is_called_from(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PM2SD_TEST", "é")
    monkeypatch.setenv("NODE_OPTIONS", "--require=/does/not/exist.js")
    write("lib.js", "exports.name = 'lib';")
    file = write(
        "a.config.js",
        "module.exports = [__dirname, __filename, require('./lib.js').name, process.cwd(),\n"
        "  process.argv.slice(1), process.env.PM2SD_TEST, process.env.NODE_OPTIONS,\n"
        "  require.main === module];",
    )
    here = str(file.parent)
    assert plain(load(file).root) == [
        *(here, str(file), "lib", os.getcwd(), [str(file)], "é"),
        *("--require=/does/not/exist.js", False),
    ]


def test_the_variables_it_looks_up_are_known(write: Write) -> None:
    file = write(
        "a.config.js",
        "const { PM2SD_B } = process.env; const a = process.env.PM2SD_A || 1;\n"
        "require('child_process').execSync('true'); require('./lib.js');\n"
        "process.env.PM2SD_SET = 'x';\n"
        "module.exports = { c: 'PM2SD_C' in process.env };",
    )
    write("lib.js", "process.env['PM2SD_D'];")
    assert load(file).env_read == ("PM2SD_A", "PM2SD_B", "PM2SD_C", "PM2SD_D")


def test_reading_the_whole_environment_is_one_name(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PM2SD_TEST", "x")
    source = load(write("a.config.js", "module.exports = { ...process.env, A: process.env.A };"))
    assert source.env_read == ("*", "A")
    assert at(source.root, "PM2SD_TEST").value == "x"


def test_values_that_json_has_not(write: Write) -> None:
    file = write(
        "a.config.js",
        "class Url { toJSON() { return 'u'; } }\n"
        "module.exports = { u: undefined, l: [undefined], r: /a\\/[b]/gi, d: new Date(0), n: 10n,\n"
        "  i: -Infinity, s: new String('x'), j: new Url(), z: -0, f: 1e21, e: 1e3 };",
    )
    assert plain(load(file).root) == {
        "l": [None],
        "r": "a\\/[b]",
        "d": "1970-01-01T00:00:00.000Z",
        "n": 10,
        "i": -float("inf"),
        "s": "x",
        "j": "u",
        "z": 0,
        "f": 1e21,
        "e": 1000,
    }


def test_values_that_no_configuration_can_hold_are_all_told(write: Write) -> None:
    file = write(
        "a.config.js",
        "const root = { apps: [{\n  script() {},\n  a: NaN,\n  'b-c': new Map(),\n"
        "  d: ['\\ud800'],\n  e: 2n ** 70n,\n  f: Symbol('x'),\n  g: Promise.resolve(1),\n}] };\n"
        "root.apps[0].me = root;\nmodule.exports = root;\n",
    )
    found = {
        p.message.partition(",")[0]: str(p.where).rpartition("config.js")[2] for p in mistakes(file)
    }
    assert found == {
        "apps[0].script is a function": ":2:3",
        "apps[0].a is NaN": ":3:6",
        'apps[0]["b-c"] is a Map': ":4:10",
        "apps[0].d[0] is a string with half a character in it": ":5:7",
        "apps[0].e is a BigInt of more than 64 bits": ":6:6",
        "apps[0].f is a symbol": ":7:6",
        "apps[0].g is a Promise": ":8:6",
        "apps[0].me is a reference to what contains it": ": apps[0].me",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("module.exports = () => ({ apps: [] });", "exports a function"),
        ("module.exports = async () => ({ apps: [] });", "exports a function"),
        ("module.exports = Promise.resolve({ apps: [] });", "exports a Promise"),
    ],
)
def test_an_export_that_would_have_to_be_called_is_refused(
    write: Write, text: str, message: str
) -> None:
    file = write("a.config.js", text)
    (found,) = mistakes(file)
    assert found.message == f"{file} {message}"
    assert str(found.where) == f"{file}:1:18"
    assert found.hint is not None


@pytest.mark.parametrize(
    ("name", "text", "where", "message"),
    [
        (
            "a.config.js",
            "module.exports = {\n  a: x.y };",
            "2:6",
            "ReferenceError: x is not defined",
        ),
        (
            "a.config.mjs",
            "export default {\n  a: x.y };",
            "2:6",
            "ReferenceError: x is not defined",
        ),
        (
            "a.config.js",
            "module.exports = {\n  a: 1 b: 2 };",
            "2:8",
            "SyntaxError: Unexpected identifier 'b'",
        ),
        (
            "a.config.js",
            "module.exports = {\n\t\tpost-deploy: 1 }",
            "2:7",
            "SyntaxError: Unexpected token '-'",
        ),
        (
            "a.config.mjs",
            "export default {\n  a: 1 b: 2 };",
            "2:8",
            "SyntaxError: Unexpected identifier 'b'",
        ),
        (
            "a (1) é.config.js",
            "\n null.x",
            "2:7",
            "TypeError: Cannot read properties of null (reading 'x')",
        ),
        (
            "a b.config.mjs",
            "\n null.x",
            "2:7",
            "TypeError: Cannot read properties of null (reading 'x')",
        ),
        ("a.config.js", "\nrequire('none');", "2:1", "Cannot find module 'none'"),
        ("a.config.js", "\nthrow new Error('two\\nlines');", "2:7", "two"),
    ],
)
def test_exceptions_are_told_where_they_are(
    write: Write, name: str, text: str, where: str, message: str
) -> None:
    file = write(name, text)
    (found,) = mistakes(file)
    assert (found.message, str(found.where)) == (message, f"{file}:{where}")
    assert found.source == text.split("\n")[1]


def test_a_missing_file_is_not_to_be_installed(write: Write) -> None:
    (found,) = mistakes(write("a.config.js", "require('./package.json')"))
    assert found.hint is not None
    assert found.hint.startswith("there is no such file")
    (found,) = mistakes(write("a.config.js", "require('dotenv')"))
    assert found.hint is not None
    assert "must be installed" in found.hint


def test_an_exception_elsewhere_is_told_there_but_not_in_packages(write: Write) -> None:
    file = write("a.config.js", "\nrequire('./lib.js');")
    library = write("lib.js", "\n\nnull.x")
    assert str(mistakes(file)[0].where) == f"{library}:3:6"
    library.unlink()
    write("node_modules/lib/index.js", "null.x")
    file.write_text("\nrequire('lib');")
    assert str(mistakes(file)[0].where) == f"{file}:2:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("throw 'x'", 'threw "x"'),
        ("throw null", "threw null"),
        ("process.exit(3)", "{file} ended before it exported anything (exit status 3)"),
        (
            "process.kill(process.pid, 'SIGKILL')",
            "{file} ended before it exported anything (signal SIGKILL)",
        ),
    ],
)
def test_a_file_that_ends_without_a_result_is_told(write: Write, text: str, message: str) -> None:
    file = write("a.config.js", text)
    (found,) = mistakes(file)
    assert found.message == message.format(file=file)


def test_a_file_that_keeps_running_is_read_and_one_that_hangs_is_not(write: Write) -> None:
    begin = time.monotonic()
    file = write("a.config.js", "setInterval(() => {}, 1000); module.exports = {};")
    assert plain(load(file).root) == {}
    file.write_text("require('child_process').execSync('sleep 60'); module.exports = {};")
    (found,) = mistakes(file, timeout=0.5)
    assert found.message == f"{file} took longer than 0.5 s to evaluate"
    assert time.monotonic() - begin < 50


def test_ctrl_c_stays_ctrl_c_where_node_ends_at_the_same_time(write: Write) -> None:
    file = write("a.config.js", "process.kill(process.ppid, 'SIGINT'); module.exports = {};")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    try:
        with pytest.raises(KeyboardInterrupt):
            load(file)
    finally:
        signal.signal(signal.SIGINT, before)


def test_structures_without_bound_are_refused(write: Write) -> None:
    file = write(
        "a.config.js", "let a = 'x'; for (let i = 0; i < 30; i++) a = [a, a]; module.exports = a;"
    )
    assert mistakes(file)[0].message == "RangeError: more than 100000 values"
    file.write_text("let a = 'x'; for (let i = 0; i < 300; i++) a = [a]; module.exports = a;")
    assert "nested more than 100 deep" in mistakes(file)[0].message


def test_without_node_the_file_that_takes_it_is_named(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("a.config.js", "module.exports = {};")
    monkeypatch.setenv("PATH", "")
    (found,) = mistakes(file)
    assert (
        found.message == f"{file} is JavaScript: reading it takes Node, and there is none on PATH"
    )


# ---- places


def test_literals_have_their_places_behind_constants_and_around_expressions(write: Write) -> None:
    source = load(
        write(
            "a.config.js",
            "const path = require('path'); // { apps: [\n"
            "const re = /[/'\"{]/g, half = 4 / 2 / 1;\n"
            "const common = { max: '1G', watch: false };\n"
            "const apps = [\n"
            "  { name: '\U0001f600', script: path.join('a', `b${ '}' }`), n: 2, ...common, k: 1},\n"
            "  { ...common, name: `b`, env: common, f: [1, ...[2], 3], m: half },\n"
            "];\n"
            "module.exports = exports = { apps, deploy: { 'a b': { x: -1 } } };\n",
        )
    )
    assert place(source, "apps") == "8:30"
    assert place(source, "apps", 0) == "5:3"
    # what stands before a spread may have been replaced by it
    assert [place(source, "apps", 0, key) for key in ("name", "n", "max", "k")] == [
        *("apps[0].name", "apps[0].n", "apps[0].max", "5:73"),
    ]
    assert [place(source, "apps", 1, key) for key in ("watch", "name", "env", "m")] == [
        *("apps[1].watch", "6:22", "6:32", "6:62"),
    ]
    assert place(source, "apps", 1, "env", "max") == "3:23"
    assert [place(source, "apps", 1, "f", index) for index in range(3)] == [
        *("6:44", "apps[1].f[1]", "apps[1].f[2]"),
    ]
    assert place(source, "deploy", "a b", "x") == "8:58"
    assert str(at(source.root, "deploy", "a b").key_where).endswith(":8:46")


@pytest.mark.parametrize(
    "change",
    [
        "c.apps.reverse();",
        "c.apps.unshift({ script: 'z', i: 0 });",
        "c.apps[0].i = 5;",
        "c.apps[0] = { i: 1 };",
        "c.apps = [{ i: 3 }, { i: 4 }];",
        "delete c.apps[0].script;",
    ],
)
def test_what_was_changed_at_run_time_has_no_wrong_place(write: Write, change: str) -> None:
    text = "const c = { apps: [{ script: 'x', i: 1 }, { script: 'y', i: 2 }] };\n"
    source = load(write("a.config.js", f"{text}{change}\nmodule.exports = c;"))
    assert place(source, "apps", 0, "i") == "apps[0].i"


@pytest.mark.parametrize(
    "text",
    [
        "if (true) { module.exports = { i: 1 }; }",
        "module.exports = { i: 2 };\nmodule.exports = { i: 1 };",
        "module.exports = Object.assign({ i: 2 }, { i: 1 });",
        "module.exports = { i: 2 } && { i: 1 };",
        "let c = { i: 2 };\nc = { i: 1 };\nmodule.exports = c;",
        "const other = { exports: 0 };\nother.exports = { i: 1 };\nmodule['exports'] = { i: 1 };",
        "module.exports = new (class { i = 1 })();",
    ],
)
def test_what_the_text_does_not_say_has_no_place(write: Write, text: str) -> None:
    source = load(write("a.config.js", text))
    assert at(source.root, "i").value == 1
    assert place(source, "i") == "i"


def test_an_object_that_two_apps_share_is_placed_where_it_is_written(write: Write) -> None:
    source = load(
        write("a.config.mjs", "const e = { A: 1 };\nexport const apps = [{ env: e }, { env: e }];")
    )
    assert place(source, "apps", 1, "env", "A") == "1:16"
    assert place(source, "apps", 1, "env") == "2:41"
