"""The JSON Schema (draft 2020-12) of ecosystem files, generated from the options table."""

from __future__ import annotations

from typing import Any

from pm2sd.ecosystem.options import ASIDE_PATTERN, ENV_BLOCK, ENV_BLOCK_PATTERN, OPTIONS, Option
from pm2sd.ecosystem.options.types import Schema
from pm2sd.notes import Fidelity

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> Schema:
    """The schema of a whole file: ``{apps: ...}``, ``{pm2: ...}``, a list of apps, or one app.

    It allows what ``declare`` accepts, except for keys that are no option: ``declare`` ignores
    them as PM2 does, but an editor should mark them.
    """
    return {
        "$schema": DIALECT,
        "title": "Ecosystem file of pm2sd and PM2",
        "if": {"type": "array"},
        "then": {"$ref": "#/$defs/apps"},
        "else": {
            "if": {"required": ["apps"]},
            "then": {"$ref": "#/$defs/file"},
            "else": {
                "if": {"required": ["pm2"]},
                "then": {
                    "type": "object",
                    "properties": {
                        "pm2": {
                            "if": {"type": "object", "required": ["apps"]},
                            "then": {"$ref": "#/$defs/file"},
                            "else": {"$ref": "#/$defs/apps"},
                        }
                    },
                },
                "else": {"$ref": "#/$defs/app"},
            },
        },
        "$defs": {"file": _file(), "apps": _apps(), "app": _app(), **_options()},
    }


def _file() -> Schema:
    return {
        "type": "object",
        "properties": {
            "apps": {"$ref": "#/$defs/apps"},
            "deploy": {"type": "object", "description": "PM2's deployments; not carried out yet."},
            "static": {"if": {"type": "array"}, "then": {"items": _folder()}, "else": _folder()},
        },
    }


def _folder() -> Schema:
    text, switch = {"type": ["string", "null"]}, {"type": ["boolean", "null"]}
    return {
        "type": ["object", "null"],
        "description": "A directory to serve over HTTP, as an app of its own.",
        "properties": {
            "name": text,
            "path": text,
            "host": text,
            "port": {"type": ["integer", "string", "null"]},
            "spa": switch,
            "ftp": switch,
            "directory": switch,
            "basic_auth": {
                "type": ["object", "null"],
                "properties": {"username": text, "password": text},
                "required": ["username", "password"],
            },
            "monitor": True,
        },
        "additionalProperties": False,
    }


def _apps() -> Schema:
    app: Schema = {"$ref": "#/$defs/app"}
    return {"if": {"type": "array"}, "then": {"type": "array", "items": app}, "else": app}


def _app() -> Schema:
    rows = [option for option in OPTIONS if option is not ENV_BLOCK]
    return {
        "type": "object",
        "properties": {key: _reference(option, key) for option in rows for key in option.spellings},
        "patternProperties": {
            ENV_BLOCK_PATTERN: {
                # env_file is an option, whatever the pattern says.
                "if": {"type": "object"},
                "then": {"$ref": f"#/$defs/{ENV_BLOCK.name}"},
            },
            ASIDE_PATTERN: True,
        },
        "additionalProperties": False,
        "allOf": [
            {"anyOf": [{"required": [key]} for key in option.spellings]}
            for option in rows
            if option.required
        ],
    }


def _reference(option: Option, key: str) -> Schema:
    reference: Schema = {"$ref": f"#/$defs/{option.name}"}
    return reference if key == option.name else reference | {"title": f"{key}: {option.name}"}


def _options() -> dict[str, Schema]:
    return {option.name: _option(option) for option in OPTIONS}


def _option(option: Option) -> Schema:
    entry: dict[str, Any] = {"title": option.name, "description": _description(option)}
    if option.default is not None:
        entry["default"] = option.default
    if option.fidelity is Fidelity.NO_EFFECT:
        entry["deprecated"] = True
    unset: list[Any] = [None]
    if option.forgets_false or option.type.blank_is_unset:
        unset.append("")
    if option.forgets_false:
        unset.append(False)
    if option.zero is not None:
        unset.append(0)
        unset += ["0"] if not option.zero.text else []
    return entry | {"anyOf": [option.type.schema(), {"enum": unset}]}


def _description(option: Option) -> str:
    told = option.fidelity not in (Fidelity.EXACT, Fidelity.BETTER) and option.difference
    return f"{option.doc} ({option.fidelity}: {option.difference})" if told else option.doc
