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
