"""``hardening``: what an app is kept from doing. Measured in a user manager: docs/hardening.md.

A user manager may not drop capabilities or mount anything: it fails on some directives
(ProtectClock= and others that take capabilities away: exit status 218) and passes over others
without a word (ProtectSystem=, PrivateTmp=, ...). In a user namespace of the app's own
(PrivateUsers=yes) both work.
"""

from __future__ import annotations

from typing import Final

from pm2sd.ecosystem.app import App, Hardening

# No namespaces: what every ordinary program can do without, a just-in-time compiler included.
_BASIC: Final = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
)

# Not among them: MemoryDenyWriteExecute= (no just-in-time compiler runs with it), ProcSubset=pid
# (Node counts the CPUs in /proc), PrivateNetwork=. Nor ProtectProc=, ProtectControlGroups= and
# ProtectKernelTunables=: where the kernel refuses one of their mounts, as in a container, systemd
# gives up on all the others without a word (measured on 252), and they keep an ordinary user from
# little.
_STRICT: Final = (
    *_BASIC,
    "PrivateUsers=yes",
    "CapabilityBoundingSet=",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectSystem=strict",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "RestrictNamespaces=yes",
    "SystemCallArchitectures=native",
    "SystemCallErrorNumber=EPERM",
    "SystemCallFilter=@system-service",
)

LEVELS: Final[dict[Hardening, tuple[str, ...]]] = {"off": (), "basic": _BASIC, "strict": _STRICT}

_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108 - the directories that PrivateTmp= replaces


def directives(app: App) -> tuple[str, ...]:
    """The lines of the app's level."""
    if app.hardening == "strict" and not _lives_in_tmp(app):
        return (*LEVELS["strict"], "PrivateTmp=yes")
    return LEVELS[app.hardening]


def writable(app: App) -> tuple[str, ...]:
    """What the app may write where ProtectSystem=strict makes all but /home read-only."""
    if app.hardening != "strict":
        return ()
    return (app.cwd, *(_TEMPORARY if _lives_in_tmp(app) else ()))


def _lives_in_tmp(app: App) -> bool:
    """Whether a /tmp of its own would hide the app from itself."""
    return any(
        f"{path}/".startswith(f"{tmp}/") for path in (app.cwd, *app.command) for tmp in _TEMPORARY
    )
