from __future__ import annotations

import pytest

from pm2sd.observe.plain_text import without_controls


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größer\t🙂\nnext", "größer\t🙂\nnext"),
        ("\x1b[1;31mred\x1b[0m\r", "red"),
        ("\x1b]0;title\x07a\x1b]52;c;AAAA\x1b\\b", "ab"),
        ("\x1b[2J\x1b[?25lgone\x9b31m", "gone31m"),
        ("a\x00b\x08c\x7f\x1bd", "abcd"),
    ],
)
def test_controls_are_taken_out_and_text_stays(text: str, shown: str) -> None:
    assert without_controls(text) == shown
