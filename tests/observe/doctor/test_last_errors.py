from __future__ import annotations

import pytest

from pm2sd.observe.doctor.last_errors import grouped

NODE = """\
node:internal/modules/cjs/loader:1080
  throw err;
  ^

Error: Cannot find module '/srv/app/dist/server.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1077:15)
    at node:internal/main/run_main_module:23:47 {
  code: 'MODULE_NOT_FOUND',
}

Node.js v18.20.4"""

PYTHON = """\
Traceback (most recent call last):
  File "/srv/app.py", line 2, in <module>
    import nothing
ModuleNotFoundError: No module named 'nothing'"""


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        ([NODE], ("Error: Cannot find module '/srv/app/dist/server.js'",)),
        ([PYTHON] * 3, ("3x ModuleNotFoundError: No module named 'nothing'",)),
        (["port 3000 refused", "hello", "port 3001 refused"], ("2x port 3001 refused",)),
        (["one", "two", "three", "four"], ("two", "three", "four")),
        (["    only", "    frames"], ("    only", "    frames")),
        (["", "\n"], ()),
        (["\x1b[31mError: größer\x1b[0m\r\x07"], ("Error: größer",)),
        (["error: " + "x" * 300], ("error: " + "x" * 153 + "...",)),
    ],
)
def test_lines_of_a_kind_are_told_once(texts: list[str], shown: tuple[str, ...]) -> None:
    assert grouped(texts) == shown
