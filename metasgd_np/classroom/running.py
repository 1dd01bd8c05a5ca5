"""Run the cells of a returned notebook in a process made for it.

The cells come as JSON on standard input; what became of each code cell goes to standard
output, one line of JSON per cell, as soon as it is known: what is found before a
process is stopped is not lost. What a cell prints or starts cannot reach that output by
accident. A cell can do all that the user may do who runs this process: its files and
the network are open to it.
"""

import ast
import io
import json
import linecache
import os
import signal
import sys
import traceback
from _thread import interrupt_main
from contextlib import redirect_stderr, redirect_stdout, suppress
from numbers import Real
from threading import Timer, main_thread

from .. import classroom
from .assignments import readable

LONGEST = 2000  # characters of output, and of an error, that are kept of a cell
MEMORY = 4 << 30  # bytes


def main():
    """Run the cells on standard input."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # nohup ignores it
    job = json.load(sys.stdin)
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 (input() ends)
    names = {"__name__": "__main__", "display": print}
    for cell in job["cells"]:
        if cell["check"] and hasattr(classroom, "check"):
            names["check"] = classroom.check  # a student may have used the name
        found = run_cell(cell, names, job["seconds"])
        print(json.dumps(found), file=results, flush=True)
    os._exit(0)  # whatever threads are left


def run_cell(cell, names, seconds):
    """What a cell printed, its value if that is a number, and its error if any."""
    printed, value, error = io.StringIO(), None, None
    timer = Timer(seconds, interrupt)
    timer.daemon = True
    try:
        with redirect_stdout(printed), redirect_stderr(io.StringIO()):
            timer.start()
            value = execute(cell["source"], f"<{cell['id']}>", names)
            value = float(value) if isinstance(value, Real) else None
    except KeyboardInterrupt:
        error = f"It ran for more than {seconds:g} seconds."
    except BaseException as problem:  # SystemExit too
        error = describe(problem, cell)
    finally:
        timer.cancel()
    text = printed.getvalue()[:LONGEST]
    return {"id": cell["id"], "printed": text, "value": value, "error": error}


def interrupt():
    """Raise KeyboardInterrupt in the cell; where there are signals, in a sleep too."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main_thread().ident, signal.SIGINT)
    else:
        interrupt_main()


def execute(source, where, names):
    """Execute a cell; the value of its last expression."""
    source = readable(source)
    linecache.cache[where] = len(source), None, source.splitlines(True), where
    tree, last = ast.parse(source, where), None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    exec(compile(tree, where, "exec"), names)
    return last and eval(compile(last, where, "eval"), names)


def describe(problem, cell):
    """An error in one sentence, with the student's line it came from."""
    text = str(problem)[:LONGEST]
    if cell["check"] and isinstance(problem, AssertionError) and text:
        return text
    if isinstance(problem, SyntaxError):
        return f"SyntaxError in line {problem.lineno}: {problem.msg}."
    frames = traceback.extract_tb(problem.__traceback__)
    lines = [frame for frame in frames if frame.filename == f"<{cell['id']}>"]
    where = f" in line {lines[-1].lineno}: {lines[-1].line}" if lines else ""
    name = type(problem).__name__
    return f"{name}{where}\n{text}".strip()


if __name__ == "__main__":
    main()
