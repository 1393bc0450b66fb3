"""Asking an instance: a connection that it accepts, an HTTP request that it answers."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from pm2sd.probe.acceptor import accepted, holds, instance_of
from pm2sd.probe.orders import Orders

_POLL_SECONDS = 0.005
_MOST_OF_ANSWER = 4096
_GONE = -1


class Unanswered(Exception):
    """The instance did not answer, or not well; the text says how."""


class Elsewhere(Unanswered):
    """Another instance answered: nothing is known of this one."""


class Question(NamedTuple):
    """What is asked of an instance.

    ``address`` is ``3000``, ``host:3000`` or an absolute path, ``socket`` the number of the unit's
    socket that it is. ``path`` is asked for by HTTP; without it a connection is enough. ``own``:
    only what this instance itself accepts counts.
    """

    address: str
    socket: str
    path: str
    host: str
    tls: bool
    own: bool
    numbered: bool

    def __str__(self) -> str:
        if self.path:
            return f"GET {'https' if self.tls else 'http'}://{self.host}{self.path}"
        return f"a connection to {self.address}"


def question(given: Orders) -> Question:
    """The question that a command line asks."""
    return Question(
        given.words[0],
        given.text("socket"),
        given.text("path"),
        given.text("host"),
        given.has("tls"),
        given.has("own"),
        given.has("numbered"),
    )


def ask(what: Question, pid: int, number: int, private: str, seconds: float, accept: float) -> None:
    """Put the question to the instance ``number`` with the main process ``pid``.

    ``private`` is the directory with the instance's own sockets; ``accept`` is how long it may take
    until somebody accepts the connection, out of ``seconds`` for all. Raises Unanswered.
    """
    now = time.monotonic()
    deadline = now + seconds
    try:
        with _connection(what, pid, number, private, now + min(accept, seconds)) as one:
            if what.path:
                _check(_answer(one, what, deadline), what)
    except Unanswered:
        raise
    except TimeoutError:
        raise Unanswered(f"{what}: no answer within {seconds:g} s") from None
    except OSError as error:
        raise Unanswered(f"{what}: {error.strerror or error}") from None


def is_alive(private: str, seconds: float) -> None:
    """Ask Node's event loop. Raises Unanswered."""
    try:
        with _private(private, "alive", seconds) as one:
            if one.recv(8):
                return
    except TimeoutError:
        raise Unanswered(f"the event loop did not turn for {seconds:g} s") from None
    except OSError as error:
        raise Unanswered(f"the event loop cannot be asked: {error.strerror}") from None
    raise Unanswered("the event loop gave no answer")


def _private(directory: str, name: str, seconds: float) -> socket.socket:
    """A connection to one of the instance's own sockets, whose path may be too long for unix(7)."""
    place = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    one = socket.socket(socket.AF_UNIX)
    try:
        one.settimeout(seconds)
        one.connect(f"/proc/self/fd/{place}/{name}")
    except OSError:
        one.close()
        raise
    finally:
        os.close(place)
    return one


def _connection(
    what: Question, pid: int, number: int, private: str, deadline: float
) -> socket.socket:
    own = what.own
    one = None
    if what.socket:
        with suppress(FileNotFoundError, ConnectionRefusedError):
            one = _private(private, f"socket-{what.socket}", _left(deadline))
            own = False  # whoever answers there, is it
    one = one or _connected(what, number, deadline)
    try:
        # The kernel makes connections whether or not the program takes them.
        inode = _acceptor(one, deadline, known=own) if own or not what.path else 0
        if own and not holds(instance_of(pid), inode):
            raise Elsewhere(f"{what}: another instance answered, not this one")
    except (OSError, Unanswered):
        one.close()
        raise
    return one


def _acceptor(one: socket.socket, deadline: float, *, known: bool) -> int:
    """Wait until somebody accepts a connection; 0 where it cannot be seen and need not be.

    Who has closed it again, before he was seen, is _GONE.
    """
    answered = False
    while True:
        try:
            inode = accepted(one)
        except OSError:
            if known:
                raise
            return 0
        if inode or answered:
            return inode or _GONE
        _left(deadline)
        answered = bool(select.select([one], [], [], _POLL_SECONDS)[0])


def _connected(what: Question, number: int, deadline: float) -> socket.socket:
    if what.address.startswith("/"):
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(_left(deadline))
        one.connect(what.address)
        return one
    host, _, port = what.address.rpartition(":")
    last: OSError = OSError("no address")
    for where in _hosts(host.strip("[]")):
        try:
            return socket.create_connection(
                (where, int(port) + (number if what.numbered else 0)), _left(deadline)
            )
        except OSError as error:
            last = error
    raise last


def _hosts(host: str) -> Iterator[str]:
    if host in ("", "localhost", "0.0.0.0", "::"):  # noqa: S104 - asked, not bound
        yield "127.0.0.1"
        yield "::1"
    else:
        yield host


def _answer(one: socket.socket, what: Question, deadline: float) -> bytes:
    one.settimeout(_left(deadline))
    if what.tls:
        import ssl

        trusting = ssl.create_default_context()
        trusting.check_hostname = False  # who it is, is known
        trusting.verify_mode = ssl.CERT_NONE
        name = what.host.partition(":")[0]
        one = trusting.wrap_socket(one, server_hostname=None if name.startswith("[") else name)
    one.sendall(
        f"GET {what.path} HTTP/1.1\r\nHost: {what.host}\r\nUser-Agent: pm2sd\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n".encode("latin-1")
    )
    answer = b""
    while b"\r\n" not in answer and len(answer) < _MOST_OF_ANSWER:
        one.settimeout(_left(deadline))
        part = one.recv(_MOST_OF_ANSWER)
        if not part:
            break
        answer += part
    return answer.partition(b"\r\n")[0]


def _check(line: bytes, what: Question) -> None:
    version, _, rest = line.decode("latin-1").partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/") or not status.isdecimal():
        raise Unanswered(f"{what}: {'no answer of HTTP' if line else 'closed without an answer'}")
    if int(status) >= 400:
        raise Unanswered(f"{what}: status {rest.strip()}")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
