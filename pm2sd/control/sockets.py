"""Whether the sockets that apps ask for can be opened, asked before anything changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pm2sd.ecosystem.app import App
from pm2sd.errors import InvalidConfig, Pm2sdError, Problem
from pm2sd.plan.plan import Plan
from pm2sd.systemd.ports import Refusal, refusal
from pm2sd.units import names


def refuse_shared(apps: Iterable[App]) -> None:
    """Raise InvalidConfig where two apps ask for one address: ReusePort= would let both have it."""
    first: dict[str, str] = {}
    problems = []
    for app in apps:
        for address in app.listen:
            other = first.setdefault(address, app.name)
            if other != app.name:
                message = f"the apps {other!r} and {app.name!r} both listen on {address}"
                problems.append(Problem(message, hint="give one of them another port or listen"))
    if problems:
        raise InvalidConfig(problems)


def refuse_taken(apps: Sequence[App], todo: Plan) -> None:
    """Raise Pm2sdError for a socket that the plan opens, and that cannot be opened."""
    starting = set(todo.start)
    for app in apps:
        opened = {names.socket(app.name), names.instance_socket(app.name, 0)} & starting
        for address in app.listen if opened else ():
            refused = None if _had(app, address, todo) else refusal(address)
            if refused and not _is_own(app, refused):
                raise Pm2sdError(
                    f"app {app.name!r} cannot listen on {address}: {refused.why}",
                    hint=refused.hint,
                )


def _had(app: App, address: str, todo: Plan) -> bool:
    """Whether the address is that of a socket unit which is opened anew."""
    texts = (
        todo.before.get(names.socket(app.name)),
        todo.before.get(names.socket_template(app.name)),
    )
    return any(f"\nListenStream={address}\n" in text for text in texts if text)


def _is_own(app: App, refused: Refusal) -> bool:
    """Whether only the app's instances are in the way, which are stopped before."""
    instances = [names.parse_instance(holder.unit) for holder in refused.holders]
    return bool(instances) and all(one and one[0] == app.name for one in instances)
