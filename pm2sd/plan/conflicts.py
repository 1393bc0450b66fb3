"""What a plan must not overwrite: units of others, and files of ours that were edited by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pm2sd.errors import InvalidConfig, Problem
from pm2sd.units import names

if TYPE_CHECKING:
    from pm2sd.plan.plan import Desired, Options
    from pm2sd.plan.stored import Stored


def refuse_conflicts(
    desired: Sequence[Desired],
    orphans: Sequence[str],
    stored: Stored,
    foreign: Mapping[str, str],
    options: Options,
) -> None:
    """Raise InvalidConfig where a file that is somebody else's, or edited, would be lost.

    ``foreign`` maps unit names that belong to somebody else to their path.
    """
    problems = [
        Problem(
            f"app {one.app.name!r} would need the unit {unit}, but {foreign[unit]} is not pm2sd's",
            hint="give the app another name",
        )
        for one in desired
        for unit in (*one.files, *one.instances)
        if unit in foreign
    ]
    if not options.force:
        wanted = {one.app.name: one.files for one in desired}
        doomed = orphans if options.prune else ()
        for name, old in stored.apps.items():
            files = wanted.get(name, {} if name in doomed else old.files)
            problems += [
                Problem(
                    f"{path} of app {name!r} was edited by hand; it would be "
                    + ("overwritten" if path in files else "removed"),
                    hint="move your changes to a drop-in (systemctl --user edit "
                    f"{names.service_template(name)}), or use --force",
                )
                for path in old.edited()
                if files.get(path) != old.files[path]
            ]
    if problems:
        raise InvalidConfig(problems)
