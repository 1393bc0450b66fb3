"""``python -m pm2sd.observe.doctor docs/doctor.md``: writes the document of the checks."""

from __future__ import annotations

import sys
from pathlib import Path

from pm2sd.observe.doctor.table import document

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
