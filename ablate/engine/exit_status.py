"""Exit statuses and messages of a command: one line for invalid input or a full disk; 128 + its number after a signal."""

from __future__ import annotations

import errno
import itertools
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from ablate.core.errors import UsageError
from ablate.core.text import cut, printable
from ablate.engine.messages import CONFIG_ERRORS, one_line, relative

MESSAGE_LENGTH = 4000  # characters
NO_TEXT = re.compile(r"^[\w/@.]+=(null|true|false|-?[\d.]+|\{.*\})$")
CONTINUE = "Finished runs are kept; run the same command again to continue."
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def errors_in_one_line(known_keys: Callable[[], Iterable[str]], worded: Callable[[str], str] = str) -> Iterator[None]:
    """Print invalid input as a message of one line and exit with status 2.

    Hydra would print several lines; with HYDRA_FULL_ERROR=1 it raises the error, so that it can be caught here.

    Args:
        known_keys: returns the keys that can be overridden, for suggestions.
        worded: changes the words of a message.
    """
    full_error = os.environ.get("HYDRA_FULL_ERROR")
    received: int = signal.SIGINT

    def terminate(number: int, _: object) -> None:  # sent by schedulers, `timeout` and closed terminals: same as Ctrl-C
        nonlocal received
        received = number
        raise KeyboardInterrupt

    before = {number: signal.signal(number, terminate) for number in _ending()}
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        _refuse_undecodable(sys.argv)
        yield
    except CONFIG_ERRORS as error:
        if full_error == "1":
            raise
        print(f"ablate: {_shown(worded(relative(one_line(error, known_keys()))))}", file=sys.stderr)
        sys.exit(2)
    except (ValueError, TypeError, AttributeError, AssertionError) as error:  # Hydra fails at an override such as group=null
        if full_error == "1" or not _raised_by_hydra(error):
            raise
        said = f"Hydra cannot compose the configuration: {one_line(error)}{_hint(sys.argv[1:])}"
        print(f"ablate: {_shown(said)}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # of the output of this command, or between runs; in a run, it is the error of that run
        if full_error == "1" or error.errno not in FULL:
            raise
        print(f"ablate: {_shown(relative(str(error)))}. {CONTINUE}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal is closed
            print(f"ablate: interrupted. {CONTINUE}", file=sys.stderr)
        sys.exit(128 + received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]


def _ending() -> list[signal.Signals]:
    """The signals that end a command as Ctrl-C does; none outside the main thread. Under nohup, SIGHUP stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        return []
    hangup = [signal.SIGHUP] if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL else []
    return [signal.SIGTERM, *hangup]


def _raised_by_hydra(error: BaseException) -> bool:
    """Whether Hydra or OmegaConf failed while composing, rather than this package or the program."""
    frames = [str(frame.f_globals.get("__name__", "")).split(".")[0] for frame, _ in traceback.walk_tb(error.__traceback__)]
    inner = set(itertools.dropwhile(lambda name: name != "hydra", frames))
    return bool(inner) and inner <= {"hydra", "omegaconf", "antlr4", "yaml"}


def _hint(arguments: Sequence[str]) -> str:
    """The arguments whose values are not text, as those of groups have to be, and how to leave out a group."""
    typed = [text.partition("=") for text in arguments if NO_TEXT.search(text)]
    named = f" (see {', '.join(map(''.join, typed))})" if typed else ""
    off = [key for key, _, value in typed if value == "null"]
    return named + "".join(f" (to leave out the group {key}: ~{key})" for key in off)


def _shown(text: str) -> str:
    return printable(cut(text, MESSAGE_LENGTH))


def _refuse_undecodable(arguments: Sequence[str]) -> None:
    """Refuse arguments that are not UTF-8: no file of a study could contain them."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{argument}: the argument is not valid UTF-8; check the encoding of the terminal.") from None
