"""The settings of journald that keep the journal small, and an app's lines from being dropped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``max_use`` bytes on disk; ``retention`` and ``rate_interval`` in seconds.

    ``rate_lines`` is how many lines journald takes in ``rate_interval`` before it drops the rest;
    None: no limit. It is one for all apps of a user, who are one service to journald
    (user@UID.service), and free disk space multiplies it (journald.conf(5)).
    """

    max_use: int = 2**30
    retention: int = 30 * 86_400
    rate_lines: int | None = 1_000_000
    rate_interval: int = 30


def drop_in(settings: Settings) -> str:
    """The text of a file for /etc/systemd/journald.conf.d."""
    limited = settings.rate_lines is not None
    lines = [
        "# Made by pm2sd journald.",
        "[Journal]",
        "# On disk, where each user can read their own: journalctl --user needs it.",
        "Storage=persistent",
        f"SystemMaxUse={settings.max_use}",
        f"MaxRetentionSec={settings.retention}s",
        "# How much each service may log; all apps of a user are one service here.",
        f"RateLimitIntervalSec={settings.rate_interval if limited else 0}s",
        *([f"RateLimitBurst={settings.rate_lines}"] if limited else []),
    ]
    return "\n".join([*lines, ""])
