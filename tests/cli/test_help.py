from __future__ import annotations

import pytest

from pm2sd.__main__ import main
from pm2sd.cli.commands import COMMANDS


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", [row.name for row in COMMANDS])
def test_every_command_has_help(
    command: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, flag]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: pm2sd {command} ")


def test_a_flag_that_means_more_than_its_option_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "--help"]) == 0
    _, found = capsys.readouterr().out.split("-f, --force")
    assert " ".join(found.split()).startswith("Start again a script that runs")
