"""``python -m pm2sd.ecosystem.generate docs``: writes what is generated from the options table."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from pm2sd.ecosystem.explain import conversion_matrix
from pm2sd.ecosystem.schema import schema


def generated() -> Mapping[str, str]:
    """The generated files: name to text."""
    return {
        "conversion.md": conversion_matrix(),
        "ecosystem.schema.json": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
    }


def main() -> None:
    """Write them to the directory that is the first argument."""
    directory = Path(sys.argv[1])
    for name, text in generated().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
