from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from pm2sd.errors import CannotCarry
from pm2sd.units.carry import ENV, JUST_EXEC, carriable
from pm2sd.units.model import INSTANCE, JOURNAL, Mark, Output, Service

PLAIN = Service(
    name="web@.service",
    mark=Mark(app="web", namespace="default", source="", version="0"),
    description="web",
    part_of="web.target",
    slice="app-pm2sd-web.slice",
    exec_start=("/usr/bin/node", "app.js", "a=b", '"'),
    working_directory="/srv/my app",
    environment={"A": "1 %$\n"},
    standard_output=Output("append", "/l/out put.log"),
)
ODD = replace(
    PLAIN,
    exec_start=("/a=b/c", "d"),
    exec_start_pre=(("/bin/'", "x"), ("/bin/true",)),
    working_directory="/a\nb",
    environment={"A": "1", "z.z": "2", "a.b": ("3", INSTANCE), "B": "\udcff"},
    standard_output=Output("append", "/l/out "),
    standard_error=Output("append", "/l/err\\"),
)


def test_what_unit_files_can_say_stays() -> None:
    assert carriable(PLAIN) == PLAIN


def test_every_way_round_at_once() -> None:
    result = carriable(ODD)
    assert result.exec_start == (
        *("/bin/sh", "-c", 'exec "$@" 2>>"$0"', "/l/err\\"),
        *("/bin/sh", "-c", 'exec "$@" >>"$0"', "/l/out "),
        *(ENV, "-C", "/a\nb", "--"),
        *(("B=", "\udcff"), ("a.b=", "3", INSTANCE), ("z.z=", "2")),
        *(*JUST_EXEC, "/a=b/c", "d"),
    )
    assert result.exec_start_pre == ((ENV, "--", "/bin/'", "x"), ("/bin/true",))
    assert result.environment == {"A": "1"}
    assert result.working_directory == ""
    assert (result.standard_output, result.standard_error) == (JOURNAL, JOURNAL)


def test_it_is_done_once() -> None:
    assert carriable(carriable(ODD)) == carriable(ODD)


@pytest.mark.parametrize("program", ["/a'b", '/a"b', "/a\\b", "/a\nb", "/\udcff", "/\uffff"])
def test_programs_that_systemd_would_refuse_start_through_env(program: str) -> None:
    result = carriable(replace(PLAIN, exec_start=(program, "x")))
    assert result.exec_start == (ENV, "--", program, "x")


def test_a_program_behind_systemd_cat_is_an_argument_like_others() -> None:
    command = ("/usr/bin/systemd-cat", "--", "/a=b/c'd")
    assert carriable(replace(PLAIN, exec_start=command)).exec_start == command
    odd = carriable(replace(PLAIN, exec_start=command, environment={"a-b": "1"}))
    assert odd.exec_start == (ENV, "--", ("a-b=", "1"), *command)


@pytest.mark.parametrize("name", ["", "a=b"])
def test_names_that_no_environment_can_hold_are_refused(name: str) -> None:
    with pytest.raises(CannotCarry, match="no environment can hold"):
        carriable(replace(PLAIN, environment={name: "x"}))


def test_env_and_nice_pass_everything_on() -> None:
    command = [ENV, "--", "-u=1", "a.b=2", *JUST_EXEC, "/usr/bin/env"]
    said = subprocess.run(command, env={"C": "3"}, capture_output=True, text=True, check=True)
    assert sorted(said.stdout.split()) == ["-u=1", "C=3", "a.b=2"]
