"""The ecosystem files that both subjects run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

APPS = Path(__file__).parent / "apps"


@dataclass(frozen=True, slots=True)
class Shape:
    """So many processes, as so many apps."""

    title: str
    apps: int
    instances: int

    @property
    def processes(self) -> int:
        """How many processes run when all do."""
        return self.apps * self.instances


ONE = Shape("1 app", 1, 1)
SHAPES = (Shape("100 apps", 100, 1), Shape("1 app x 100", 1, 100))


def write_file(path: Path, script: str, shape: Shape, environment: Mapping[str, str]) -> str:
    """Write a file that runs a script of ``benchmarks/apps`` in a shape; gives its path."""
    program = APPS / script
    apps = [
        {
            "name": f"{program.stem}-{number}",
            "script": str(program),
            "interpreter": "node" if program.suffix == ".js" else "none",
            "exec_mode": "fork",
            "instances": shape.instances,
            "env": environment,
        }
        for number in range(shape.apps)
    ]
    path.write_text(json.dumps({"apps": apps}))
    return str(path)
