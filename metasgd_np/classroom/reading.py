"""Read what a student gave: a number typed in, an array computed, a function to call.

Each raises Wrong, with what is wrong in one sentence, and never the right value.
"""

import inspect
import sys
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from io import StringIO
from pathlib import Path
from traceback import extract_tb

import numpy as np

from ..checks import shown
from ..tasks import TaskBatch
from ..worksheets import Worksheet
from ..worksheets.answers import Entry, all_agree, find_roughness, read_answer

PACKAGE = str(Path(__file__).parents[1])
NEAR = 1e-6  # relative; how well a wrong value has to fit to be recognised


class Wrong(Exception):
    """What is wrong with an answer."""


def require(condition, message):
    """Raise Wrong unless the condition holds."""
    if not condition:
        raise Wrong(message)


def typed(answer, *truths, slips=None, percent=False):
    """Compare numbers that were worked out by hand with the right ones, in any form.

    truths : the right value, then others to accept, as from the student's own values
    slips : {what is wrong: the value that it gives}
    percent : whether 25 stands for 0.25
    """
    require(answer is not None, "no answer yet")
    require(not callable(answer), "is a function, but numbers are asked for")
    shape, slips = np.shape(truths[0]), slips or {}
    entries = entries_of(answer, shape)
    if entries.size == np.size(truths[0]) and squeezed(entries) == squeezed(truths[0]):
        entries = entries.reshape(shape)
    require(entries.shape == shape, other_shape(entries.shape, shape))
    scales = (1, 100) if percent else (1,)
    for truth in [times(truth, scale) for truth in truths for scale in scales]:
        if all_agree(entries, truth):
            rough = find_roughness(entries, truth, [*slips.values()])
            require(not rough, rough)
            return
    found = np.vectorize(lambda entry: float(entry.value), otypes=[float])(entries)
    if any(agree(found, truth, 1e-12) for truth in truths):  # as Fraction(0.1)
        return
    for message, wrong in slips.items():
        require(not all_agree(entries, wrong), message)
    raise Wrong(describe(found, np.asarray(truths[0], dtype=float)))


def entries_of(answer, shape):
    """The array of entries of an answer that was typed in, or one entry's."""
    if isinstance(answer, Entry):
        entries = np.empty((), dtype=object)
        entries[()] = answer
        return entries
    try:
        return read_answer(answer, shape)
    except ValueError as error:
        raise Wrong(str(error)) from None


def own(answer, right):
    """The student's number, to go on from; the right one where it cannot be read."""
    try:
        return entries_of(answer, ()).item().value
    except (Wrong, ValueError, AttributeError):
        return right


def number(answer):
    """A number that was typed in, as a float."""
    require(answer is not None, "no answer yet")
    entries = entries_of(answer, ())
    require(
        entries.size == 1, f"has shape {entries.shape}, but one number is asked for"
    )
    return float(entries.item().value)


def times(value, factor):
    """The value, a number or an array, times a factor; fractions stay exact."""
    return np.asarray(value, dtype=object)[()] * factor


def computed(answer, truth, slips=None, close=1e-9):
    """Compare what the student's function returned with the right array.

    slips : {what is wrong: the array that it gives}
    close : the largest error, relative to the largest entry
    """
    found, truth = as_array(answer), np.asarray(truth, dtype=float)
    for message, wrong in (slips or {}).items():
        same = not agree(wrong, truth, NEAR) and agree(found, wrong, NEAR)
        require(not same, message)
    if found.size == truth.size and squeezed(found) == squeezed(truth):
        found = found.reshape(truth.shape)
    require(found.shape == truth.shape, other_shape(found.shape, truth.shape))
    require(np.isfinite(found).all(), "holds inf or nan")
    if not agree(found, truth, close):
        rough = "is right to a few digits only; is something rounded, or in float32?"
        require(not agree(found, truth, 1e-5), rough)
        raise Wrong(describe(found, truth))


def as_array(answer):
    """A real array of what a function returned."""
    require(answer is not None, "nothing is returned: does it end with return?")
    answer = float(answer.value) if isinstance(answer, Entry) else answer
    try:
        found = np.asarray(answer)
        if found.dtype.kind in "OUS":
            found = np.vectorize(float, otypes=[float])(found.astype(object))
    except (TypeError, ValueError):
        raise Wrong(f"{shown(answer)} is no array of real numbers") from None
    require(found.dtype.kind in "biufc", f"{shown(answer)} is no array of real numbers")
    require(not np.iscomplex(found).any(), "is complex, but real numbers went in")
    return found.real.astype(float)


def several(answer, names):
    """The parts of an answer that is several things, such as a rate and a factor."""
    require(answer is not None, "no answer yet; does it end with return?")
    if isinstance(answer, str):
        answer = entries_of(answer, (len(names),)).ravel()
    answer = answer.values() if isinstance(answer, dict) else answer
    parts = list(answer) if np.iterable(answer) else [answer]
    if len(parts) == 1 and np.iterable(parts[0]) and len(parts[0]) == len(names):
        parts = list(parts[0])  # a row
    wanted = ", ".join(names)
    require(
        len(parts) == len(names), f"{len(parts)} came, expected {len(names)}: {wanted}"
    )
    return parts


def agree(found, right, close):
    """Whether two arrays agree, relative to the largest entry of the second."""
    found, right = np.asarray(found, dtype=float), np.asarray(right, dtype=float)
    if found.shape != right.shape:
        return False
    size = np.abs(right).max(initial=0) or 1.0
    return bool(np.all(np.abs(found - right) <= close * size))


def squeezed(array):
    """The shape without its ones."""
    return tuple(n for n in np.shape(array) if n > 1)


def other_shape(found, right):
    """What to say of a wrong shape."""
    if not right:
        return f"has shape {found}, but one number is asked for"
    return f"has shape {found}, expected {right}"


def describe(found, truth):
    """What a wrong array looks like, without the right one."""
    off = np.argwhere(np.abs(found - truth) > NEAR * (np.abs(truth).max() or 1.0))
    factor = (found * truth).sum() / ((truth * truth).sum() or 1.0)
    several, turned = truth.size > 1, truth.T.reshape(truth.shape)
    patterns = {
        "the sign is turned": agree(found, -truth, NEAR),
        "is zero": truth.any() and not found.any(),
        f"is {factor:.4g} times what it should be, in every entry": several
        and factor
        and agree(found, factor * truth, NEAR),
        "is transposed": agree(found, turned, NEAR),
        "has the right numbers in the wrong places": several
        and agree(np.sort(found, None), np.sort(truth, None), NEAR),
        f"is right in part: look at entry {off[0].tolist()}": len(off)
        <= truth.size // 2,
    }
    return next((text for text, fits in patterns.items() if fits), "is not right yet")


def call(function, *arguments, without=(), **options):
    """What a student's function returns, called with copies of the arguments.

    without : functions that it must not call; what these call themselves is no matter
    """
    require(function is not None, "no answer yet")
    require(callable(function), f"{shown(function)} came, expected a function")
    if not takes(function, arguments, options):  # an option of another name
        arguments, options = (*arguments, *options.values()), {}
    wrong = "it does not take the arguments that the exercise names"
    require(takes(function, arguments, options), wrong)
    copies = deepcopy(arguments)
    try:
        with quiet(), watching(without) as seen:
            result = function(*copies, **options)
    except Wrong:
        raise
    except (Exception, SystemExit) as error:
        raise Wrong(explain_error(error, function)) from None
    require(not seen, f"it calls {', '.join(seen)}, which the exercise does without")
    names = [*inspect.signature(function).parameters]
    for n, (before, after) in enumerate(zip(arguments, copies, strict=True)):
        name = names[n] if n < len(names) else names[-1]
        require(unchanged(before, after), f"it changes its argument {name} in place")
    return result


def takes(function, arguments, options):
    """Whether a function can be called so."""
    try:
        inspect.signature(function).bind(*arguments, **options)
    except (TypeError, ValueError):
        return False
    return True


def explain_error(error, function=None):
    """An error in one sentence, with the student's line if there is one."""
    if isinstance(error, NotImplementedError):
        return "not done yet"
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    file = getattr(inspect.unwrap(function), "__code__", None) if function else None
    lines = [f for f in extract_tb(error.__traceback__) if file]
    lines = [frame for frame in lines if frame.filename == file.co_filename]
    where = f" in line {lines[-1].lineno}: {lines[-1].line}" if lines else ""
    return f"raises {text}{where}"


@contextmanager
def quiet():
    """Let nothing be printed: a warning in a check cell counts as an error there."""
    with (
        redirect_stdout(StringIO()),
        redirect_stderr(StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def watching(functions):
    """Collect the names of those of the functions that are called from outside."""
    names = {inspect.unwrap(f).__code__: f.__name__ for f in functions}
    seen = []

    def look(frame, event, _):
        if event == "call" and frame.f_code in names:
            inside = frame.f_back.f_code.co_filename.startswith(PACKAGE)
            if not inside and names[frame.f_code] not in seen:
                seen.append(names[frame.f_code])

    before = sys.getprofile()
    sys.setprofile(look if names else before)
    try:
        yield seen
    finally:
        sys.setprofile(before)


def unchanged(before, after):
    """Whether an argument, and what it holds, is as it was."""
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(unchanged, before, after))
    if isinstance(before, TaskBatch | Worksheet):
        before, after = vars(before), vars(after)
    if isinstance(before, dict):
        pairs = zip(dict.values(before), dict.values(after), strict=False)
        return all(unchanged(*pair) for pair in pairs)
    return True
