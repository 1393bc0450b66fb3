"""pystemd's compiled D-Bus module, without the rest of pystemd.

``import pystemd.dbuslib`` first runs ``pystemd/__init__.py``, which imports lxml for an
introspection we never do, and ``pystemd.utils`` with uuid and shlex: 45 ms of 50. Here the package
and its ``utils`` are stood in for while the compiled module is loaded, and taken away again, so
that a later ``import pystemd`` still gets the real package. Should a pystemd not load this way, it
is imported the ordinary way.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType

from pm2sd.errors import Pm2sdError


def load() -> tuple[ModuleType, ModuleType]:
    """The modules ``pystemd.dbuslib`` and ``pystemd.dbusexc``.

    Raises Pm2sdError where pystemd is not installed or its libsystemd is missing.
    """
    try:
        if "pystemd" in sys.modules:
            return _ordinary()
        try:
            return _lean()
        except (ImportError, AttributeError):
            return _ordinary()
    except ImportError as error:
        raise Pm2sdError(
            f"pystemd cannot be loaded: {error}",
            hint="install libsystemd-dev, pkg-config, gcc and python3-dev, then: "
            "pip install --force-reinstall pystemd",
        ) from error


def _ordinary() -> tuple[ModuleType, ModuleType]:
    return import_module("pystemd.dbuslib"), import_module("pystemd.dbusexc")


def _lean() -> tuple[ModuleType, ModuleType]:
    spec = PathFinder.find_spec("pystemd")  # importlib.util costs 3 ms
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("No module named 'pystemd'")
    package = ModuleType("pystemd")
    package.__path__ = list(spec.submodule_search_locations)
    utils = ModuleType("pystemd.utils")
    utils.x2char_star = _to_bytes  # type: ignore[attr-defined]
    stand_ins = {"pystemd": package, "pystemd.utils": utils}
    sys.modules.update(stand_ins)
    try:
        return _ordinary()
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)


def _to_bytes(value: object) -> object:
    """What ``pystemd.utils.x2char_star`` does to the arguments of D-Bus calls."""
    return value.encode() if isinstance(value, str) else value
