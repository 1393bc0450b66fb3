from __future__ import annotations

from pathlib import Path

from pm2sd.observe.doctor.table import CHECKS, document

DOC = Path(__file__).parents[2] / "docs/doctor.md"


def test_the_document_is_what_the_table_of_checks_says() -> None:
    # python -m pm2sd.observe.doctor docs/doctor.md
    assert DOC.read_text(encoding="utf-8") == document()


def test_every_check_has_a_name_of_its_own() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
