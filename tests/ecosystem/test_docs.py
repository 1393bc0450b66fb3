from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.ecosystem.generate import generated

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("name", "text"), generated().items(), ids=lambda item: item[:20])
def test_generated_files_are_current(name: str, text: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == text, (
        "regenerate with: python -m pm2sd.ecosystem.generate docs"
    )
