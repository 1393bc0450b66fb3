"""What is said of a command that acted on instances."""

from __future__ import annotations

import pytest

from pm2sd.cli import output
from pm2sd.cli.lifecycle import told
from pm2sd.control.settle import Failure
from pm2sd.errors import ExitStatus
from pm2sd.plan.select import Instance
from pm2sd.units import names


def test_apps_are_called_as_people_call_them_and_only_what_was_done_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_silent", False)  # whatever was tested before
    monkeypatch.setattr(output, "_results", True)
    instances = [Instance("@apps/api", n, n, names.instance("@apps/api", n)) for n in range(2)]
    mild = Failure(instances[1].unit, "did not stop in time and was killed", mild=True)
    done = told("stopped", instances, [mild])
    assert (done.status, done.apps) == (ExitStatus.OK, ["@apps/api"])
    said = capsys.readouterr()
    assert said.out == "stopped @apps/api@0\n"
    assert said.err == "@apps/api@1 did not stop in time and was killed\n"
