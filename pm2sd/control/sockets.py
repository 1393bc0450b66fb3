"""Whether the sockets that apps ask for can be opened, asked before anything changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from pm2sd.ecosystem.app import App
from pm2sd.errors import InvalidConfig, Pm2sdError, Problem
from pm2sd.plan.plan import Action, Plan
from pm2sd.systemd.ports import Refusal, refusal
from pm2sd.units import names


def refuse_shared(apps: Iterable[App], orphans: Collection[str] = ()) -> None:
    """Raise InvalidConfig where two apps ask for one address: ReusePort= would let both have it.

    ``orphans`` are those that their file no longer has, as after an app was given another name.
    """
    first: dict[str, str] = {}
    problems = []
    for app in apps:
        for address in app.listen:
            other = first.setdefault(address, app.name)
            if other != app.name:
                message = f"the apps {other!r} and {app.name!r} both listen on {address}"
                hint = "give one of them another port or listen"
                if gone := {other, app.name}.intersection(orphans):
                    hint = (
                        f"{gone.pop()!r} is no longer in the file: pm2sd apply --prune removes it"
                    )
                problems.append(Problem(message, hint=hint))
    if problems:
        raise InvalidConfig(problems)


def refuse_taken(apps: Sequence[App], todo: Plan) -> None:
    """Raise Pm2sdError for a socket that the plan opens, and that cannot be opened."""
    starting = set(todo.start)
    gone = [change.name for change in todo.changes if change.action is Action.REMOVE]
    for app in apps:
        opened = {names.socket(app.name), names.instance_socket(app.name, 0)} & starting
        closed = (app.name, *gone)
        for address in app.listen if opened else ():
            refused = None if _had(closed, address, todo) else refusal(address)
            if refused and not _is_of(closed, refused):
                raise Pm2sdError(
                    f"app {app.name!r} cannot listen on {address}: {refused.why}",
                    hint=refused.hint,
                )


def _had(closed: Iterable[str], address: str, todo: Plan) -> bool:
    """Whether the address is that of a socket unit which is closed first: of these apps."""
    texts = (
        todo.before.get(path)
        for app in closed
        for path in (names.socket(app), names.socket_template(app))
    )
    return any(f"\nListenStream={address}\n" in text for text in texts if text)


def _is_of(closed: Collection[str], refused: Refusal) -> bool:
    """Whether only instances of these apps are in the way, which are stopped before."""
    instances = [names.parse_instance(holder.unit) for holder in refused.holders]
    return bool(instances) and all(one and one[0] in closed for one in instances)
