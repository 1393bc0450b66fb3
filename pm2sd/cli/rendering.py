"""Units for another machine, made of ecosystem files."""

from __future__ import annotations

from collections.abc import Sequence

from pm2sd.cli.selecting import is_file
from pm2sd.control.configuration import load
from pm2sd.control.desired import Wanted, rendered
from pm2sd.errors import ExitStatus, Pm2sdError
from pm2sd.observe.units import masked
from pm2sd.systemd.paths import unit_directory


def for_another(
    files: Sequence[str], systemd: int, *, reveal: bool = False
) -> list[tuple[str, str]]:
    """Paths and texts of the units that the files become, secrets masked unless ``reveal``.

    No manager is asked. Raises Pm2sdError, InvalidConfig.
    """
    wanted: list[Wanted] = []
    for file in files:
        if not is_file(file):
            raise Pm2sdError(
                f"{file} is no ecosystem file, and --target-systemd makes units of one",
                hint="pm2sd cat ecosystem.yaml --target-systemd 257",
                code=ExitStatus.USAGE,
            )
        wanted += load(file, systemd=systemd).wanted
    where = unit_directory()
    return [
        (str(where / path), masked(text) if path.endswith(".env") and not reveal else text)
        for path, text in rendered(where, wanted, systemd).items()
    ]
