"""Entry point: the one place that turns errors into messages and exit statuses.

Modules are imported where they are used: most of a quick command's time is loading them, and only
``run`` can say how that is to be done.
"""

from __future__ import annotations

import errno
import gc
import os
import sys

_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What write(2) fails with where the output has no room, or no place any more."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    _read_cpu_times(words)
    from pm2sd.cli.output import ReaderGone, complain
    from pm2sd.errors import ExitStatus, Pm2sdError, Problem

    try:
        if not _quick_road(words):
            from pm2sd.cli.main import app

            gc.freeze()
            gc.enable()  # it may last: logs follows until somebody stops it
            app(args=arguments, prog_name="pm2sd", standalone_mode=True)
    except Pm2sdError as error:
        complain(error.problems())
        return error.code
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except (ReaderGone, BrokenPipeError):
        _drop_output()
        return ExitStatus.OK
    except OSError as error:
        _drop_output()
        if _has_no_directory():
            hint = 'cd into one that is there, or again: cd "$PWD"'
            complain([Problem("the current directory was removed", hint=hint)])
            return ExitStatus.FAILED
        complain([Problem(_in_words(error))])
        return ExitStatus.FAILED
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else ExitStatus.FAILED
    return ExitStatus.OK


def _quick_road(words: list[str]) -> bool:
    """Run a command that is often asked for, as it stands alone, without loading the parser.

    The parser takes longer to load than the list takes to make. Options and selectors take the
    ordinary road, to the same functions.
    """
    from pm2sd.cli.commands import BY_NAME

    row = BY_NAME.get(words[0]) if len(words) == 1 else None
    if row is None or not row.bare:
        return False
    from importlib import import_module

    module, _, function = row.bare.partition(":")
    getattr(import_module(f"pm2sd.cli.{module}"), function)()
    return True


def _read_cpu_times(words: list[str]) -> None:
    """Take the first of the two readings that a percentage needs, while everything else loads."""
    from pm2sd.cli.commands import BY_NAME

    row = BY_NAME.get(next((word for word in words if not word.startswith("-")), ""))
    if row and row.shows_cpu:
        from pm2sd.observe.cpu import read_early

        read_early()


def run() -> None:
    """Run this process's command and end the process at once.

    Taking the interpreter apart would cost 15 ms of some 80, and everything that must be closed is
    closed by now.
    """
    gc.disable()  # loading makes thousands of objects and no garbage
    _open_closed_streams()
    _write_whatever_it_is()
    os._exit(_flushed(main()))


def _flushed(status: int) -> int:
    """Write what is left, and give the exit status, which is another one if that failed."""
    from contextlib import suppress

    from pm2sd.errors import ExitStatus

    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # nobody is there to read it
    except OSError as error:
        if status == ExitStatus.OK:
            status = ExitStatus.FAILED
            with suppress(OSError):
                sys.stderr.write(f"error: cannot write the output: {error.strerror}\n")
    with suppress(OSError):
        sys.stderr.flush()
    return status


def _in_words(error: OSError) -> str:
    """What went wrong; an error of writing to standard output names no file."""
    if error.filename:
        return f"cannot use {error.filename}: {error.strerror}"
    told = error.strerror or str(error)
    return f"cannot write the output: {told}" if error.errno in _OF_WRITING else told


def _has_no_directory() -> bool:
    """Whether the current directory was removed."""
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return True
    return False


def _drop_output() -> None:
    """Have nobody try again to write what is left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_streams() -> None:
    """Give streams that the caller closed (``>&-``) a place, before a socket gets their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r"))  # noqa: PTH123, SIM115


def _write_whatever_it_is() -> None:
    """Have no text that the terminal's encoding lacks end a command.

    Names of files and drop-ins of others may hold bytes that are no UTF-8: they go out as they are.
    """
    from io import TextIOWrapper

    if isinstance(sys.stdout, TextIOWrapper):
        utf8 = sys.stdout.encoding.lower() == "utf-8"
        sys.stdout.reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")


if __name__ == "__main__":
    run()
