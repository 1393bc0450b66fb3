"""What the user is told about how an option was carried over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fidelity(StrEnum):
    """How an option of PM2 is carried over to systemd."""

    EXACT = "exact"
    BETTER = "better"
    APPROXIMATE = "approximate"
    NO_EFFECT = "no effect"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Note:
    """One remark on one option of one app; ``text`` says what differs, in a sentence."""

    option: str
    fidelity: Fidelity
    text: str
