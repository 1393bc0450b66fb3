from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.control.importing import Imported, write
from pm2sd.errors import Pm2sdError


def test_a_file_of_the_same_secrets_is_no_obstacle(tmp_path: Path) -> None:
    found = Imported((), (), "apps: []\n", {"secrets/a.env": "KEY=1\n"}, is_secret=False)
    write(tmp_path / "one.yaml", found, force=False)
    write(tmp_path / "two.yaml", found, force=False)
    (tmp_path / "secrets/a.env").write_text("KEY=2\n")
    with pytest.raises(Pm2sdError, match=r"a\.env exists already"):
        write(tmp_path / "three.yaml", found, force=False)
    assert not (tmp_path / "three.yaml").exists()
    with pytest.raises(Pm2sdError, match=r"one\.yaml exists already"):
        write(tmp_path / "one.yaml", found, force=False)
