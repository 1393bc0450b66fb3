"""What a process is given is what the model says, byte for byte.

Cases are drawn, rendered and started in the real user manager; a real program writes down its own
``/proc/self/cmdline`` and ``/proc/self/environ`` and its working directory.
"""

from __future__ import annotations

import ast
import os
import shutil
import stat
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from integration.harness import properties, systemctl
from pm2sd.errors import CannotCarry
from pm2sd.systemd.paths import unit_directory
from pm2sd.units import names
from pm2sd.units.model import (
    INSTANCE,
    EnvironmentFile,
    InstanceDropIn,
    Mark,
    Output,
    Service,
    Text,
    Unit,
)
from pm2sd.units.render import render

NUMBER = 7
CASES_PER_START = 6
STARTS = 25

# Executed through its own path, so that the kernel passes that path on as the script's.
DUMPER = """\
#!/usr/bin/python3 -IS
import os
def read(path):
    with open(path, "rb") as file:
        return file.read()
dump = [read("/proc/self/cmdline"), read("/proc/self/environ"), os.getcwdb()]
target = os.environb[b"PM2SD_DUMP"]
with open(target + b".new", "wb") as file:
    file.write(repr(dump).encode())
os.rename(target + b".new", target)
os.write(1, b"out\\n")
os.write(2, b"err\\n")
"""
SHEBANG = (b"/usr/bin/python3", b"-IS")

MARK = Mark(app="fidelity", namespace="default", source="", version="0")

SPECIAL = (
    " \t\n\r\x0b\x0c\x1b\x7f\"'\\$%`;#=:,~*?[]{}<>()!&|^-+@.éß漢😀\u0085\u00a0\u2028\ufeff\ufffe"
)
SEQUENCES = ("%i", "%%", "${HOME}", "$HOME", "$$", "\\n", "\\x41", "\\", ";", "''", '""', "-", "--")


def texts(*, excluded: str = "", min_size: int = 0, binary: bool = True) -> st.SearchStrategy[str]:
    """Any text without NUL, most of it what some parser might trip over; bytes as surrogates."""
    banned = set("\0" + excluded)
    anything = st.characters(codec="utf-8", exclude_characters="".join(banned))
    special = st.sampled_from([char for char in SPECIAL if char not in banned])
    sequence = st.sampled_from([word for word in SEQUENCES if not banned & set(word)])
    kinds = [special, sequence, anything]
    if binary:
        kinds.append(st.integers(0xDC80, 0xDCFF).map(chr))
    return st.lists(st.one_of(kinds), min_size=min_size, max_size=10).map("".join)


def with_instance(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[Text]:
    return st.one_of(strategy, st.tuples(strategy, st.just(INSTANCE), strategy))


def file_names() -> st.SearchStrategy[str]:
    return texts(excluded="/", min_size=1).filter(
        lambda name: name not in (".", "..") and len(octets(name)) < 200
    )


def variable_names(*, odd: bool) -> st.SearchStrategy[str]:
    plain = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,8}\Z")
    strategy = st.one_of(plain, texts(excluded="=", min_size=1)) if odd else plain
    # A prefix keeps them apart from what the manager and the linker give a meaning to.
    return strategy.map(lambda name: f"{name}_" if name.isascii() and name.isidentifier() else name)


def secret_values() -> st.SearchStrategy[str]:
    return texts(binary=False).filter(lambda text: not any(map(is_noncharacter, text)))


def is_noncharacter(char: str) -> bool:
    return ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF


@dataclass(frozen=True)
class Case:
    """One instance of a service, before its files and directories exist."""

    program: tuple[str, str]
    arguments: tuple[Text, ...]
    environment: Mapping[str, Text]
    secrets: Mapping[str, str]
    own: Mapping[str, str]
    directory: str
    through_systemd_cat: bool


CASES = st.builds(
    Case,
    program=st.tuples(file_names(), file_names()),
    arguments=st.lists(with_instance(texts()), max_size=5).map(tuple),
    environment=st.dictionaries(variable_names(odd=True), with_instance(texts()), max_size=5),
    secrets=st.dictionaries(
        variable_names(odd=False).map(lambda name: f"{name}S"), secret_values(), max_size=2
    ),
    own=st.dictionaries(
        variable_names(odd=False).map(lambda name: f"{name}O"), secret_values(), max_size=1
    ),
    directory=file_names(),
    through_systemd_cat=st.booleans(),
)


def octets(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def filled_in(text: Text) -> bytes:
    pieces = (text,) if isinstance(text, str) else text
    return b"".join(octets(p) if isinstance(p, str) else str(NUMBER).encode() for p in pieces)


class Bench:
    """A directory for programs and their dumps, and units that are removed in the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.units: list[str] = []
        self.files: list[Path] = []

    def app(self, oddity: str = "") -> str:
        return f"t{uuid.uuid4().hex[:10]}{oddity}"

    def program(self, *steps: str) -> str:
        """An executable copy of the dumper at a path of the given names."""
        folder = self.path / uuid.uuid4().hex / steps[0]
        folder.mkdir(parents=True)
        program = folder / steps[1]
        program.write_text(DUMPER)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return str(program)

    def directory(self, name: str) -> str:
        folder = self.path / uuid.uuid4().hex / name
        folder.mkdir(parents=True)
        return str(folder)

    def write(self, *units: Unit) -> None:
        for unit in units:
            file = render(unit)
            path = unit_directory() / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.text.encode())
            self.files.append(path)

    def start(self, units: list[str]) -> None:
        """Start units that end by themselves, and wait until they have."""
        self.units += units
        assert systemctl("daemon-reload").exit_status == 0
        started = systemctl("start", "--wait", "--", *units)
        assert started.exit_status == 0, (started, systemctl("status", "--", *units).stdout)

    def clean(self) -> None:
        if self.units:
            systemctl("stop", "--", *self.units)
            systemctl("reset-failed", "--", *self.units)
        for path in self.files:
            path.unlink(missing_ok=True)
            if path.parent != unit_directory() and not any(path.parent.iterdir()):
                path.parent.rmdir()
        systemctl("daemon-reload")
        self.units.clear()
        self.files.clear()
        for inner in self.path.iterdir():
            shutil.rmtree(inner)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("fidelity"))
    yield made
    made.clean()


def service(app: str, command: tuple[Text, ...], directory: str, **more: object) -> Service:
    values: dict[str, object] = {
        "name": names.service_template(app),
        "mark": replace(MARK, app=app),
        "description": "fidelity test",
        "part_of": names.target(app),
        "slice": names.slice_name(app),
        "exec_start": command,
        "working_directory": directory,
        "restart": "no",
    }
    return Service(**{**values, **more})  # type: ignore[arg-type]


class Prepared:
    """A case whose files exist; knows what its process must see."""

    def __init__(self, bench: Bench, case: Case) -> None:
        self.case = case
        app = bench.app(" @%é\\")
        self.unit = names.instance(app, NUMBER)
        self.dump = Path(bench.directory("dump")) / "dump"
        self.program = bench.program(*case.program)
        self.directory = bench.directory(case.directory)
        command: tuple[Text, ...] = (self.program, *case.arguments)
        if case.through_systemd_cat:
            command = ("/usr/bin/systemd-cat", f"--identifier={uuid.uuid4().hex}", "--", *command)
        template = service(
            app,
            command,
            self.directory,
            environment={**case.environment, "PM2SD_DUMP": str(self.dump)},
            environment_files=(str(unit_directory() / names.secrets_file(app)),),
        )
        bench.write(
            template,
            EnvironmentFile(service=template.name, mark=MARK, variables=case.secrets),
            InstanceDropIn(service=self.unit, mark=MARK, environment=case.own),
        )
        self.rendered = render(template).text

    def check(self) -> None:
        about = f"{self.case!r}\n{self.rendered}"
        cmdline, environ, directory = read_dump(self.dump)
        expected = [*SHEBANG, octets(self.program), *map(filled_in, self.case.arguments)]
        assert cmdline == expected, about
        assert directory == octets(self.directory), about
        variables: dict[str, Text] = {**self.case.environment, **self.case.secrets, **self.case.own}
        for name, value in variables.items():
            assert environ.get(octets(name)) == filled_in(value), (name, about)


def read_dump(path: Path) -> tuple[list[bytes], dict[bytes, bytes], bytes]:
    cmdline, environ, directory = ast.literal_eval(path.read_text())
    variables = dict(entry.split(b"=", 1) for entry in environ.split(b"\0")[:-1])
    return cmdline.split(b"\0")[:-1], variables, directory


def run_cases(bench: Bench, cases: list[Case]) -> None:
    prepared = [Prepared(bench, case) for case in cases]
    try:
        bench.start([one.unit for one in prepared])
        for one in prepared:
            one.check()
    finally:
        bench.clean()


@settings(
    max_examples=STARTS,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # a failure shows its case; shrinking costs minutes
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(CASES, min_size=CASES_PER_START, max_size=CASES_PER_START))
def test_a_process_gets_exactly_its_arguments_environment_and_directory(
    bench: Bench, cases: list[Case]
) -> None:
    run_cases(bench, cases)


PLAIN = Case(("bin", "app"), (), {}, {}, {}, "work", through_systemd_cat=False)

# Each needs a rule or a way round of its own; chance would not always draw them.
HARD = {
    "quotes and backslash in the program": replace(PLAIN, program=('a"b', "c'd\\")),
    "line break in the program": replace(PLAIN, program=("a\nb", "c\rd")),
    "assignment in the program": replace(PLAIN, program=("A=b", "c")),
    "assignment in the program, odd variable": replace(
        PLAIN, program=("A=b", "c"), environment={"a.b": "1", "-u": "2", "1": "3"}
    ),
    "program that is not UTF-8": replace(PLAIN, program=("\udcff", "\udcfe")),
    "noncharacters": replace(
        PLAIN,
        program=("\uffff", "a"),
        arguments=("\ufdd0", "\U0010fffe"),
        environment={"A": "\uffff", "B": ("\ufffe", INSTANCE)},
        directory="\ufdef",
    ),
    "bytes": replace(PLAIN, arguments=("\udcff", "\udc80x"), environment={"A": "\udcff"}),
    "line break in the directory": replace(PLAIN, directory="a\nb\r"),
    "directory that is not UTF-8": replace(PLAIN, directory="\udcff"),
    "blank, backslash, percent in the directory": replace(PLAIN, directory=" %i\\ "),
    "semicolon and empty arguments": replace(PLAIN, arguments=(";", "", "a;", "\\;", "")),
    "dollars": replace(
        PLAIN,
        arguments=("$HOME", "${HOME}", "$$"),
        environment={"A": "$HOME ${HOME}"},
        secrets={"B": "$HOME ${HOME} `id`"},
    ),
    "line breaks in secrets": replace(PLAIN, secrets={"A": "\n[X-Pm2sd]\nB=1\r\n", "C": "\\\n"}),
    "the longest argument and variable": replace(
        PLAIN, arguments=("%" * 131_071,), environment={"A": '"' * 131_069, "a-b": "\n" * 131_067}
    ),
}


def test_each_rule_and_each_way_round(bench: Bench) -> None:
    run_cases(bench, list(HARD.values()))
    run_cases(bench, [replace(case, through_systemd_cat=True) for case in HARD.values()])


LOG_NAMES: tuple[Text, ...] = (
    "plain.log",
    'per cent %i \\x41 "quoted".log',
    "ends in a blank ",
    "ends in a backslash\\",
    "line\nbreak",
    "\udcff",
    ("instance-", INSTANCE, ".log"),
    ("instance ", INSTANCE, " "),
)


def test_output_goes_to_files_of_any_name(bench: Bench) -> None:
    folder = bench.directory("logs")
    program = bench.program("bin", "app")
    units, expected = [], {}
    for number, name in enumerate(LOG_NAMES):
        pieces = (name,) if isinstance(name, str) else name
        app = bench.app()
        dump = Path(bench.directory("dump")) / "dump"
        paths = {stream: (f"{folder}/{number}-{stream}-", *pieces) for stream in ("out", "err")}
        bench.write(
            service(
                app,
                (program, "argument"),
                "/",
                environment={"PM2SD_DUMP": str(dump), "a.b": "odd"},
                standard_output=Output("append", paths["out"]),
                standard_error=Output("append", paths["err"]),
            )
        )
        units.append(names.instance(app, NUMBER))
        for stream, path in paths.items():
            expected[filled_in(path)] = f"{stream}\n".encode() * 2
    try:
        bench.start(units)
        bench.start(units)
        written = {
            os.fsencode(entry.path): Path(entry.path).read_bytes() for entry in os.scandir(folder)
        }
        assert written == expected
    finally:
        bench.clean()


def test_the_runtime_directory_may_have_any_printable_name(bench: Bench) -> None:
    app = bench.app()
    dump = Path(bench.directory("dump")) / "dump"
    name = f"pm2sd-test/{app} \"'\\ %i:é$@"
    template = service(
        app,
        (bench.program("bin", "app"),),
        "/",
        environment={"PM2SD_DUMP": str(dump)},
        runtime_directories=((name, INSTANCE),),
    )
    bench.write(template)
    try:
        bench.start([names.instance(app, NUMBER)])
        runtime = os.environ["XDG_RUNTIME_DIR"]
        assert read_dump(dump)[1][b"RUNTIME_DIRECTORY"] == f"{runtime}/{name}{NUMBER}".encode()
    finally:
        bench.clean()


def test_the_manager_reads_every_setting_as_meant(bench: Bench) -> None:
    app = bench.app()
    unit = names.instance(app, NUMBER)
    bench.write(
        service(
            app,
            ("/bin/true",),
            "/",
            description=('100% of "it" \\ (', INSTANCE, ")\\"),
            exec_start_pre=(("/bin/sh", "-c", "echo $0 %i \n"), ("/bin/true", "")),
            restart="always",
            restart_sec=2000,
            start_limit_burst=3,
            start_limit_interval=61_000,
            success_exit_status=(130, 143),
            restart_prevent_exit_status=(0, 42),
            kill_signal="SIGTERM",
            kill_mode="mixed",
            timeout_stop=0,
            timeout_start=4000,
            memory_max=314_572_800,
            memory_swap_max=0,
            syslog_identifier=(f"{names.unit_name('@a/b')}@", INSTANCE),
            syslog_level="err",
        )
    )
    try:
        assert systemctl("daemon-reload").exit_status == 0
        wanted = {
            "LoadState": "loaded",
            "Description": f'100% of "it" \\ ({NUMBER})\\x5c',
            "PartOf": names.target(app),
            "Slice": names.slice_name(app),
            "Restart": "always",
            "RestartUSec": "2s",
            "StartLimitBurst": "3",
            "StartLimitIntervalUSec": "1min 1s",
            "SuccessExitStatus": "130 143",
            "RestartPreventExitStatus": "0 42",
            "KillSignal": "15",
            "KillMode": "mixed",
            "TimeoutStopUSec": "1ms",
            "TimeoutStartUSec": "4s",
            "MemoryMax": "314572800",
            "MemorySwapMax": "0",
            "SyslogIdentifier": f"\\x40a\\x2fb@{NUMBER}",
            "SyslogLevel": "3",
            "SyslogLevelPrefix": "no",
            "NeedDaemonReload": "no",
        }
        assert properties(unit, *wanted) == wanted
    finally:
        bench.clean()


@pytest.mark.parametrize(
    ("what", "case"),
    [
        ("argument 1", replace(PLAIN, arguments=("a" * 131_072,))),
        ("variable 'A'", replace(PLAIN, environment={"A": "é" * 65_535})),
    ],
)
def test_the_kernel_would_not_take_what_is_refused(bench: Bench, what: str, case: Case) -> None:
    with pytest.raises(CannotCarry, match=what):
        Prepared(bench, case)
    bench.clean()
    arguments = [arg for arg in case.arguments if isinstance(arg, str)]
    environment = {
        name: value for name, value in case.environment.items() if isinstance(value, str)
    }
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["/bin/true", *arguments], env=environment, check=True)
