"""What pm2sd loads into Node apps."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_MAIN: Final = Path(__file__).with_name("preload.cjs")
_PARTS: Final = _MAIN.with_suffix("")
_STRICT: Final = "'use strict';\n"


def preload() -> str:
    """The preload, as it is put beside the units; its first lines say what it does and is told.

    It is one file, for every start of an app waits for it, and an upgrade replaces it in one step:
    in front of ``preload.cjs`` come its parts, as the functions of ``parts``.
    """
    parts = "".join(
        f"\n  {path.stem}(module) {{\n{path.read_text(encoding='utf-8')}  }},\n"
        for path in sorted(_PARTS.glob("*.cjs"))
    )
    main = _MAIN.read_text(encoding="utf-8").removeprefix(_STRICT)
    return f"{_STRICT}\nconst parts = {{{parts}}};\n{main}"
