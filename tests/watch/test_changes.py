"""Changes in a real directory, told by the kernel and found by looking."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pm2sd.watch.polling import Polling
from pm2sd.watch.rules import Rules
from pm2sd.watch.tree import Tree

Watch = Callable[..., Any]


@pytest.fixture(params=["kernel", "polling"])
def watch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watch]:
    opened: list[Tree | Polling] = []

    def start(
        watched: list[str], ignored: list[str] | None = None, *, follow: bool = True, **more: Any
    ) -> Tree | Polling:
        rules = Rules.read(watched, ignored or [], base=str(tmp_path), **more)
        if request.param == "kernel":
            opened.append(Tree(rules, follow=follow))
        else:
            opened.append(Polling(rules, interval=0.02, follow=follow))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    for name in ("src/deep/er/a.js", "node_modules/x/index.js", ".git/index", "config.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    return tmp_path


def seen(changes: Tree | Polling, root: Path, *wanted: str) -> bool:
    """Whether these names are told of, and nothing else, within some seconds."""
    found: set[str] = set()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found |= {os.path.relpath(path, root) for path in changes.wait(0.05)}
        if found >= set(wanted):
            break
    assert found == set(wanted)
    return True


def quiet(changes: Tree | Polling) -> bool:
    return changes.wait(0.3) == []


def test_edits_new_directories_removals_and_renames(watch: Watch, app: Path) -> None:
    changes = watch(["."])
    (app / "src/deep/er/a.js").write_text("22")
    assert seen(changes, app, "src/deep/er/a.js")
    (app / "new/dir").mkdir(parents=True)
    (app / "new/dir/b.js").write_text("1")
    assert seen(changes, app, "new", "new/dir", "new/dir/b.js")
    (app / "new/dir/b.js").write_text("333")
    assert seen(changes, app, "new/dir/b.js")
    (app / "new/dir/b.js").unlink()
    assert seen(changes, app, "new/dir/b.js")
    (app / "new/dir").rename(app / "new/name")
    assert seen(changes, app, "new/dir", "new/name")
    (app / "new/name/c.js").write_text("1")
    assert seen(changes, app, "new/name/c.js")


def test_ignored_names_are_not_told_of(watch: Watch, app: Path) -> None:
    changes = watch(["."], ["*.log", "**/tmp"])
    for name in ("node_modules/x/index.js", ".git/index", "a.log", ".env"):
        (app / name).write_text("222")
    (app / "src/tmp/deep").mkdir(parents=True)
    (app / "src/tmp/deep/x").write_text("1")
    (app / "node_modules/y").mkdir()
    assert quiet(changes)


def test_reading_and_changing_the_mode_is_no_change(watch: Watch, app: Path) -> None:
    old = time.time() - 1000
    os.utime(app / "config.json", (old, old))
    changes = watch(["."])
    (app / "config.json").read_text()
    (app / "config.json").chmod(0o600)
    (app / "src").chmod(0o700)
    assert quiet(changes)
    (app / "config.json").touch()
    assert seen(changes, app, "config.json")


def test_a_single_file_that_is_replaced_removed_and_written_anew(watch: Watch, app: Path) -> None:
    changes = watch(["config.json"])
    (app / "other.json").write_text("1")
    assert quiet(changes)
    (app / "config.json.new").write_text("22")
    (app / "config.json.new").rename(app / "config.json")
    assert seen(changes, app, "config.json")
    (app / "config.json").unlink()
    assert seen(changes, app, "config.json")
    (app / "config.json").write_text("1")
    assert seen(changes, app, "config.json")
    (app / "config.json").write_text("22")
    assert seen(changes, app, "config.json")


def test_a_directory_that_comes_to_be_later(watch: Watch, app: Path) -> None:
    changes = watch(["a/b/c"])
    (app / "a").mkdir()
    (app / "a/b").mkdir()
    assert quiet(changes)
    (app / "a/b/c").mkdir()
    (app / "a/b/c/file").write_text("1")
    assert seen(changes, app, "a/b/c", "a/b/c/file")
    (app / "a/b/c/file").write_text("22")
    assert seen(changes, app, "a/b/c/file")


def test_a_link_that_leads_elsewhere_after_a_deployment(watch: Watch, app: Path) -> None:
    for release in ("1", "2"):
        (app / "releases" / release).mkdir(parents=True)
        (app / "releases" / release / "a.js").write_text(release)
    (app / "current").symlink_to("releases/1")
    changes = watch(["current"])
    (app / "next").symlink_to("releases/2")
    (app / "next").rename(app / "current")
    assert seen(changes, app, "current", "current/a.js")
    (app / "releases/2/a.js").write_text("333")
    assert seen(changes, app, "current/a.js")
    (app / "releases/1/a.js").write_text("333")
    assert quiet(changes)


def test_links_are_followed_or_not_and_never_round(watch: Watch, app: Path, tmp_path: Path) -> None:
    shared = tmp_path / ".shared"
    shared.mkdir()
    (app / "src/link").symlink_to(shared)
    (app / "src/loop").symlink_to(app)
    followed, not_followed = watch(["src"]), watch(["src"], follow=False)
    (shared / "x").write_text("1")
    assert seen(followed, app, "src/link/x")
    assert quiet(not_followed)


def test_patterns_choose_and_depth_limits(watch: Watch, app: Path) -> None:
    some, shallow = watch(["src/**/*.js"]), watch(["."], depth=1)
    (app / "src/deep/b.css").write_text("1")
    (app / "src/deep/new").mkdir()
    (app / "src/deep/new/c.js").write_text("1")
    assert seen(some, app, "src/deep/new/c.js")
    assert quiet(shallow)
    (app / "src/d.js").write_text("1")
    assert seen(shallow, app, "src/d.js")


def test_names_that_are_no_utf8(watch: Watch, app: Path) -> None:
    changes = watch(["."])
    with open(os.fsencode(app) + b"/\xff.js", "w") as file:
        file.write("1")
    assert seen(changes, app, "\udcff.js")


def test_a_queue_that_overflows_is_a_change(app: Path) -> None:
    changes = Tree(Rules.read(["."], [], base=str(app)))
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(limit // 2 + 10):  # each rename is two events
        (app / "config.json").rename(app / f"{number}.json")
        (app / f"{number}.json").rename(app / "config.json")
    found = changes.wait(1)
    assert str(app) in found
    (app / "src/deep/er/a.js").write_text("22")
    assert seen(changes, app, "src/deep/er/a.js")
    changes.close()
