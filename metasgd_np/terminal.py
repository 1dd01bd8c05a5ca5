"""What the commands need of a terminal: letters, signals, and a quiet end.

If this process is one of the commands, importing this module leaves Ctrl-C to the
system until `main` begins: the imports take a moment, and nothing has to be saved by
then. The package therefore imports it before all else. Other programs are left alone.
"""

import codecs
import io
import os
import re
import signal
import sys
import threading
import unicodedata
from contextlib import contextmanager, suppress
from pathlib import Path

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # the last one is not on Windows
# Each character and how it is spelled; at the end hat, tilde and bar over a letter.
SPELLINGS = (
    "′' ″'' −- –- —- ±+/- ×x ·* ∘* →-> ←<- ↔<-> ≤<= ≥>= ≈~ ∂d ‖|| √sqrt "
    "²^2 ³^3 ᵀ^T ✓ok ✗x “\" ”\" ‘' ’' \u0302^ \u0303~ \u0304_"
)
SPELLED = {each[0]: each[1:] for each in SPELLINGS.split()} | {"∇": "grad "}


class Stopped(KeyboardInterrupt):
    """A signal asks the command to end, as Ctrl-C does."""


def spell(error):
    """Spell what an encoding lacks, α as alpha: a handler of encoding errors."""
    missing = error.object[error.start : error.end]
    return "".join(map(spell_character, missing)), error.end


def spell_character(character):
    """Return a character in ASCII: a Greek letter by its name, an unknown one as ?."""
    if character in SPELLED:
        return SPELLED[character]
    greek = re.match(
        r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(character, "")
    )
    if greek:
        return greek[2].lower() if greek[1] == "SMALL" else greek[2].capitalize()
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or "?"


def spell_output():
    """Let the output come out in any encoding: spell what it does not have."""
    codecs.register_error("spell", spell)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by 2>&- in a shell
            setattr(sys, name, io.StringIO())
        with suppress(AttributeError):  # a stream that takes text only
            getattr(sys, name).reconfigure(errors="spell")


@contextmanager
def ending_quietly():
    """Drop output that cannot be written: Python would complain about it at the end."""
    try:
        yield
    finally:
        try:
            print(end="", flush=True)
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def stopping_on_signals():
    """Raise Stopped at Ctrl-C and when the system or the terminal ends the command.

    A signal that is ignored, as under nohup, stays ignored.
    """

    def stop(number, _):
        received.append(number)
        raise Stopped(number)

    before, received = {}, []
    if threading.current_thread() is threading.main_thread():
        for number in filter(None, (getattr(signal, n, None) for n in SIGNALS)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stop)
    try:
        yield
    except Exception:
        if received:  # a library made another error of it
            raise Stopped(received[-1]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_command():
    """Return whether this process was started as one of the commands."""
    as_module = any(
        pair == ("-m", "metasgd_np")
        for pair in zip(sys.orig_argv, sys.orig_argv[1:], strict=False)
    )
    return as_module or [Path(each).stem for each in sys.argv[:1]] == ["metasgd-np"]


if is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
