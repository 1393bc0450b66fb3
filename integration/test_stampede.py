"""A cluster under heavy load, by clients with kept connections and with one for each request.

The same with more than 100,000 requests, with several versions of Node and beside PM2 is part of
`make bench`.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from integration.harness import Pm2sd, Project, eventually, systemctl
from integration.stampede import Seen, Stampede
from integration.test_socket import cluster, pid, unit
from pm2sd.errors import ExitStatus

KEPT, SINGLE = 50, 8
"""How many connections each of the clients has at once."""


class Clients:
    """Both kinds of clients on a cluster of four instances."""

    def __init__(self, stack: ExitStack, port: int) -> None:
        self.kept = stack.enter_context(Stampede(port, connections=KEPT, keep_alive=True))
        self.single = stack.enter_context(Stampede(port, connections=SINGLE, keep_alive=False))

    def seen(self) -> Seen:
        """What both saw since the last call, some requests after it included."""
        return Seen.together([self.kept.seen(500), self.single.seen(100)])


@pytest.fixture
def clients(pm2sd: Pm2sd, project: Project) -> Iterator[Clients]:
    port = cluster(pm2sd, project, instances=4, env={"DELAY": 2})
    with ExitStack() as stack:
        both = Clients(stack, port)
        both.seen()
        yield both


def test_scaling_to_six_and_to_two_loses_nothing(
    pm2sd: Pm2sd, project: Project, clients: Clients
) -> None:
    for count in (2, 6, 2):
        done = pm2sd("scale", project.name("web"), str(count))
        assert done.exit_status == ExitStatus.OK, done
        seen = clients.seen()
        assert seen.failures == ()
        assert seen.sent >= 600
    now = clients.seen()
    assert {text.split()[0] for text in now.answers} <= {"0", "1"}


def test_reload_and_restart_of_single_instances_lose_nothing(
    pm2sd: Pm2sd, project: Project, clients: Clients
) -> None:
    before = {pid(project, number) for number in range(4)}
    done = pm2sd("reload", project.name("web"))
    assert done.exit_status == ExitStatus.OK, done
    assert clients.seen().failures == ()
    for number in range(4):
        assert systemctl("restart", unit(project, number)).exit_status == 0
        assert clients.seen().failures == ()
    answering = {text.split()[1] for text in clients.seen().answers}
    assert answering
    assert before.isdisjoint(answering)


def kill(pid: int) -> float:
    """Kills a process; when it was gone with its connections, in seconds since 1970."""
    process = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    ended, _, _ = select.select([process], [], [], 60)
    os.close(process)
    assert ended
    return time.time()


def test_only_what_a_killed_instance_had_begun_fails(project: Project, clients: Clients) -> None:
    victims = set()
    for number in range(4):
        victim = pid(project, number)
        victims.add(victim)
        gone = kill(int(victim))
        kept = clients.kept.seen(500).failures
        single = clients.single.seen(100).failures
        # A kept connection tells whose it is. Its client may send before it reads of the end.
        assert {one.answered_by for one in kept} <= {"", f"{number} {victim}"}
        assert all(one.began <= gone for one in (*single, *kept) if not one.answered_by)
        assert len(kept) <= KEPT
        assert len(single) <= SINGLE
        eventually(lambda number=number: pid(project, number) not in victims | {"0"})  # type: ignore[misc]
    seen = clients.seen()
    assert seen.failures == ()
    assert victims.isdisjoint(text.split()[1] for text in seen.answers)
