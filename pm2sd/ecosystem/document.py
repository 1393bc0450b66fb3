"""What a configuration is made of: apps, and beside them ``deploy`` and ``static``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pm2sd.ecosystem.nodes import Node, Source
from pm2sd.ecosystem.options import find
from pm2sd.ecosystem.options.nearest import nearest_of
from pm2sd.errors import Problem
from pm2sd.notes import Fidelity, Note

_SECTIONS: Final = ("apps", "pm2", "deploy", "static")
_LISTED: Final = "pm2_env"
"""A key that every element of ``pm2 jlist`` has, and no app."""
_RUNS: Final = ("script", "cmd", "command")
# Keys that are nobody's: comments, YAML anchors to merge from, a schema for the editor.
_ASIDE = re.compile(r"^(_|//|#|x-|\.|\$)")
_AN_APP = "an app is an object with a script: { name: 'api', script: 'api.js' }"


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration taken apart; every node of ``apps`` and ``static`` is an object.

    ``apps`` is empty only where the file has ``deploy`` or ``static`` instead. ``notes`` name the
    top-level keys that mean nothing; ``problems`` are the mistakes in how the parts are put
    together.
    """

    source: Source
    apps: tuple[Node, ...]
    deploy: Node | None = None
    static: tuple[Node, ...] = ()
    notes: tuple[Note, ...] = ()
    problems: tuple[Problem, ...] = ()


def document(source: Source) -> Document:
    """The parts of a configuration, in every shape that PM2 takes (lib/API.js, _startJson).

    ``{apps: ...}`` and ``{pm2: ...}``, each with one app or a list of them, a bare list, a bare
    app, and a package.json with one of the first two.
    """
    return _Reading(source).document()


def deployed(app: Node, deploy: Node | None, env_name: str | None) -> Node:
    """An app with the variables that ``--env NAME`` takes from ``deploy.NAME.env``.

    PM2 puts them over ``env`` and under ``env_NAME`` of every app, deployed or not (lib/Common.js,
    mergeEnvironmentVariables).
    """
    variables = _inside(_inside(deploy, env_name), "env") if env_name else None
    if variables is None or not isinstance(variables.value, Mapping):
        return app
    key = f"env_{env_name}"
    block = _inside(app, key)
    if block is None or block.value is None:
        block = variables
    elif isinstance(block.value, Mapping):
        block = replace(block, value={**variables.value, **block.value})
    assert isinstance(app.value, Mapping)
    return replace(app, value={**app.value, key: block})


def _inside(node: Node | None, key: str | None) -> Node | None:
    return node.value.get(key or "") if node and isinstance(node.value, Mapping) else None


class _Reading:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def document(self) -> Document:
        root = self.source.root
        match root.value:
            case tuple():
                found = Document(self.source, self._apps(root))
            case Mapping() as keys if self._is_app(keys):
                found = self._bare_app(root, keys)
            case Mapping() as keys:
                found = self._sections(root, keys)
            case _:
                message = f"expected an object with a list of apps; got {root.kind}"
                self._wrong(message, root, "write apps: and the apps below it")
                found = Document(self.source, ())
        notes = (*found.notes, *_not_deployed(found.deploy), *_unmonitored(found.static))
        return replace(found, notes=notes, problems=tuple(self.problems))

    def _is_app(self, keys: Mapping[str, Node]) -> bool:
        sections = "apps" in keys or "pm2" in keys
        return not sections and not self._is_package and any(key in keys for key in _RUNS)

    @property
    def _is_package(self) -> bool:
        return self.source.path is not None and self.source.path.name == "package.json"

    def _bare_app(self, root: Node, keys: Mapping[str, Node]) -> Document:
        app = {key: node for key, node in keys.items() if key not in _SECTIONS}
        return Document(
            self.source,
            (replace(root, value=app),),
            self._deploy(keys),
            self._static(keys),
        )

    def _sections(self, root: Node, keys: Mapping[str, Node]) -> Document:
        inner = keys.get("pm2")
        notes = () if self._is_package else tuple(self._ignored(keys))
        if "apps" not in keys and inner is not None and isinstance(inner.value, Mapping):
            if "apps" not in inner.value:
                return replace(self._beside(keys, notes), apps=self._apps(inner))
            keys = {**keys, **inner.value}
            notes += tuple(self._ignored(inner.value))
        apps = keys.get("apps", inner)
        if apps is None:
            self._no_apps(root, keys)
        if apps is None or (apps.value == () and self._has_more(keys)):
            return self._beside(keys, notes)
        return replace(self._beside(keys, notes), apps=self._apps(apps))

    @staticmethod
    def _has_more(keys: Mapping[str, Node]) -> bool:
        """Whether a file without apps is good for something else."""
        return "deploy" in keys or "static" in keys

    def _beside(self, keys: Mapping[str, Node], notes: tuple[Note, ...]) -> Document:
        return Document(self.source, (), self._deploy(keys), self._static(keys), notes)

    # ---- apps

    def _apps(self, node: Node) -> tuple[Node, ...]:
        match node.value:
            case tuple() as items:
                if not items:
                    self._wrong("the list of apps is empty", node, _AN_APP)
                if any(isinstance(item.value, Mapping) and _LISTED in item.value for item in items):
                    hint = "pm2sd import FILE makes an ecosystem file of it"
                    self._wrong("this is PM2's list of what runs (pm2 jlist)", node, hint)
                    return ()
                return self._objects(items, "an app", _AN_APP)
            case Mapping() as keys if keys:
                return self._one_app(node, keys)
            case Mapping():
                self._wrong("there is no app in this object", node, _AN_APP)
                return ()
            case _:
                self._wrong(f"apps must be a list; it is {node.kind}", node, _AN_APP)
                return ()

    def _one_app(self, node: Node, keys: Mapping[str, Node]) -> tuple[Node, ...]:
        """One app without a list around it, and not a map from names to apps."""
        named = [
            key
            for key, child in keys.items()
            if isinstance(child.value, Mapping) and any(run in child.value for run in _RUNS)
        ]
        if named and not any(run in keys for run in _RUNS):
            self._wrong(
                "apps is an object of apps, and must be a list",
                node,
                f"put the key into the app: - name: {named[0]}",
            )
        return (node,)

    def _objects(self, items: tuple[Node, ...], what: str, hint: str) -> tuple[Node, ...]:
        for item in items:
            if not isinstance(item.value, Mapping):
                self._wrong(f"expected {what}; got {item.kind}", item, hint)
        return tuple(item for item in items if isinstance(item.value, Mapping))

    def _no_apps(self, root: Node, keys: Mapping[str, Node]) -> None:
        if self._is_package:
            name = self.source.name
            self._wrong(
                f"{name} has neither 'pm2' nor 'apps'", root, 'add "pm2": { "apps": [...] }'
            )
            return
        if self._has_more(keys):
            return
        near = {key: nearest_of(key, ("apps",)) for key in keys}
        slip = next((key for key, known in near.items() if known), None)
        if slip is not None:
            node = keys[slip]
            where = node.key_where or node.where
            message = f"there are no apps: {slip!r} is not read"
            self.problems.append(self.source.problem(message, where, "did you mean 'apps'?"))
        else:
            self._wrong("there are no apps in this file", root, "write apps: [...] with the apps")

    # ---- beside the apps

    def _deploy(self, keys: Mapping[str, Node]) -> Node | None:
        node = keys.get("deploy")
        if node is None or node.value is None:
            return None
        if not isinstance(node.value, Mapping):
            hint = "it has a key for each environment: deploy: { production: { ... } }"
            self._wrong(f"deploy must be an object; it is {node.kind}", node, hint)
            return None
        return node

    def _static(self, keys: Mapping[str, Node]) -> tuple[Node, ...]:
        node = keys.get("static")
        if node is None or node.value is None:
            return ()
        items = node.value if isinstance(node.value, tuple) else (node,)
        hint = "it has a path and a port: static: [{ path: './public', port: 8080 }]"
        return self._objects(items, "a folder to serve", hint)

    def _ignored(self, keys: Mapping[str, Node]) -> Iterator[Note]:
        """What stands beside the apps and is read by nobody, PM2 included."""
        ignored = [key for key in keys if key not in _SECTIONS and not _ASIDE.match(key)]
        kinds = (
            ([key for key in ignored if find(key)], "what is meant for an app belongs into it"),
            ([key for key in ignored if not find(key)], "nothing is called so"),
        )
        for found, does in kinds:
            if found:  # in one note: some files have two dozen of them
                where = keys[found[0]].key_where or keys[found[0]].where
                text = f"{where}: without effect beside the apps, in PM2 too; {does}"
                yield Note(", ".join(found), Fidelity.NO_EFFECT, text)
        if "apps" in keys and "pm2" in keys:
            where = keys["pm2"].key_where or keys["pm2"].where
            yield Note("pm2", Fidelity.NO_EFFECT, f"{where}: 'pm2' has no effect beside 'apps'")

    def _wrong(self, message: str, node: Node, hint: str) -> None:
        if not node.refused:
            self.problems.append(self.source.problem(message, node.where, hint))


def _not_deployed(deploy: Node | None) -> Iterator[Note]:
    if deploy is not None:
        where = deploy.key_where or deploy.where
        text = f"{where}: pm2sd does not deploy; over ssh: git pull, then pm2sd apply"
        yield Note("deploy", Fidelity.NO_EFFECT, text)


def _unmonitored(folders: Iterable[Node]) -> Iterator[Note]:
    for folder in folders:
        if isinstance(folder.value, Mapping) and "monitor" in folder.value:
            text = f"{folder.where}: monitor reports to PM2 Plus; nothing here sends anything"
            yield Note("static", Fidelity.NO_EFFECT, text)
