"""Entry point: the one place that turns errors into messages and exit statuses."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

from pm2sd.errors import ExitStatus, Pm2sdError


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit status."""
    _before_the_parser(sys.argv[1:] if arguments is None else arguments)
    from pm2sd.cli.main import ReaderGone, app

    try:
        status = app(args=arguments, prog_name="pm2sd", standalone_mode=True)
    except Pm2sdError as error:
        from pm2sd.cli.output import complain

        complain(error.problems())
        return error.code
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except ReaderGone:
        # The interpreter must not try again to write what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.OK
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else ExitStatus.FAILED
    return status or ExitStatus.OK


def _before_the_parser(words: list[str]) -> None:
    """What must happen some time before a command and can use the time its parser takes to load."""
    from pm2sd.cli.commands import BY_NAME

    row = BY_NAME.get(next((word for word in words if not word.startswith("-")), ""))
    if row and row.shows_cpu:
        from pm2sd.observe.cpu import read_early

        read_early()


def run() -> NoReturn:
    """Run this process's command and end it at once.

    Taking the interpreter apart would cost 15 ms of some 80, and everything that must be closed is
    closed by now.
    """
    status = main()
    with suppress(OSError):  # nobody is there to read it
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    run()
