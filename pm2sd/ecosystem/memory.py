"""What an app's limits of memory mean together."""

from __future__ import annotations

from typing import Any

from pm2sd.ecosystem.subject import Subject
from pm2sd.notes import Fidelity


def memory(subject: Subject) -> dict[str, Any]:
    """The App's fields for ``memory_policy`` and ``memory_total``."""
    limit = subject.get("max_memory_restart", int)
    total = subject.get("memory_total", int)
    policy = subject.get("memory_policy", str) or "hard"
    if policy == "graceful":
        if limit is None and not subject.is_refused("max_memory_restart"):
            subject.problem(
                "memory_policy",
                "there is no max_memory_restart for it to be graceful about",
                "write max_memory_restart: 300M too, or remove memory_policy",
            )
        if subject.get("schedule", str) is not None:
            text = "an app with a schedule runs and ends; it is killed at max_memory_restart"
            subject.note("memory_policy", Fidelity.NO_EFFECT, text)
            policy = "hard"
    if limit is not None and total is not None and total <= limit:
        text = "memory_total is not more, so no instance comes to it"
        subject.note("max_memory_restart", Fidelity.NO_EFFECT, text)
    return {"memory_policy": policy, "memory_total": total}
