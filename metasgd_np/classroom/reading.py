"""Read what a student gave: a number typed in, an array computed, a function to call.

Each raises Wrong, with what is wrong in one sentence, and never the right value.
"""

import inspect
import re
import sys
import warnings
from collections import deque
from collections.abc import Iterator, ValuesView
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from copy import deepcopy
from io import StringIO
from numbers import Real
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


def typed(answer, *truths, slips=None, within=None):
    """Compare numbers that were worked out by hand with the right ones, in any form.

    truths : the right value, then others to accept, as from the student's own values
    slips : {what is wrong: the value that it gives}
    within : how far a rounded number may be off, or a function of the right value that
        says so; its own digits decide if None
    """
    require(answer is not None, "no answer yet")
    require(not callable(answer), "is a function, but numbers are asked for")
    shape = np.shape(truths[0])
    entries = fitted(entries_of(answer, shape), shape)
    for truth in truths:
        if fits(entries, truth, within):
            if within is None and not fits(entries, truth, 0):
                others = [wrong for _, wrong in pairs(slips)]
                rough = find_roughness(entries, truth, others)
                require(not rough, rough)
            return
    rounded = within is not None and any(all_agree(entries, t) for t in truths)
    require(not rounded, "give more digits")
    for message, value in pairs(slips):
        near = within is not None and fits(entries, value, within)
        sure = near or (fits(entries, value) and not find_roughness(entries, value))
        require(not sure, message)
    raise Wrong(describe(floats(entries), floats(truths[0])))


def fits(entries, value, within=None):
    """Whether entries are a value, rightly rounded or, if asked, so close to it."""
    if np.shape(value) != entries.shape:
        return False
    room = within(floats(value)) if callable(within) else within or 0
    near = np.abs(floats(entries) - floats(value)) <= room + 1e-12  # Fraction(0.1)
    return bool(np.all(near)) or (within is None and all_agree(entries, value))


def pairs(slips):
    """(what is wrong, the value that it gives) of a dictionary, or of pairs."""
    return slips.items() if isinstance(slips, dict) else slips or ()


def floats(values):
    """The floats of numbers or entries."""
    plain = np.vectorize(lambda x: float(getattr(x, "value", x)), otypes=[float])
    return plain(values)


def entries_of(answer, shape):
    """The array of entries of an answer that was typed in, or one entry's."""
    if isinstance(answer, Entry):
        entries = np.empty((), dtype=object)
        entries[()] = answer
        return entries
    if hasattr(answer, "keys"):
        answer = list(answer.values())
    try:
        return read_answer(answer, shape)
    except ValueError as error:
        raise Wrong(str(error)) from None


def own(answer, right):
    """The student's numbers, to go on from; the right ones if they cannot be read."""
    try:
        entries = entries_of(answer, np.shape(right))
        values = np.vectorize(lambda entry: entry.value, otypes=[object])(entries)
    except (Wrong, ValueError, AttributeError):
        return right
    if values.shape != np.shape(right):
        return right
    return floats(values)[()] if np.asarray(right).dtype == float else values[()]


def number(answer):
    """A number that was typed in, as a float."""
    require(answer is not None, "no answer yet")
    entries = entries_of(answer, ())
    return float(fitted(entries, ()).item().value)


def choose(answer, options, several=False):
    """The one of some options that an answer names, in words or as a number; or all.

    options : a list, or {number: the name that may be given in its place}
    """
    require(answer is not None, "no answer yet")
    text = f"{float(answer):g}" if isinstance(answer, Real) else str(answer)
    names = options if isinstance(options, dict) else {}
    named = [n for n, name in names.items() if name.lower() in text.lower()]
    text = str(named[0]) if len(named) == 1 else text
    text = re.sub(r"(\d)\s*[.,]\s*(?=\d)", r"\1.", text)
    words = {word.strip(".").lower() for word in re.findall(r"[-\w.]+", text)}
    words |= {word.removeprefix("d") for word in words}
    found = [option for option in options if str(option).lower() in words]
    right = found if several else len(found) == 1
    asked = f"give {'some' if several else 'one'} of {', '.join(map(str, options))}"
    require(right, asked)
    return found if several else found[0]


def computed(answer, truth, slips=None, close=1e-9):
    """Compare what the student's function returned with the right array.

    slips : {what is wrong: the array that it gives}
    close : the largest error, relative to the largest entry
    """
    found, truth = as_array(answer), np.asarray(truth, dtype=float)
    with suppress(Wrong):
        if agree(fitted(found, truth.shape), truth, close):
            return
    require(found.any() or not truth.any(), "is zero")
    for message, wrong in pairs(slips):
        same = not agree(wrong, truth, NEAR) and agree(found, wrong, NEAR)
        require(not same, message)
    found = fitted(found, truth.shape)
    require(np.isfinite(found).all(), "holds inf or nan")
    rough = "is right to a few digits only; is something rounded, or in float32?"
    require(not agree(found, truth, 1e-5), rough)
    raise Wrong(describe(found, truth))


def as_array(answer):
    """A real array of what a function returned."""
    require(answer is not None, "nothing is returned: does it end with return?")
    answer = float(answer.value) if isinstance(answer, Entry) else answer
    if isinstance(answer, Iterator | ValuesView | deque):
        answer = list(answer)
    try:
        found = np.asarray(answer)
        if found.dtype.kind in "OUS":
            found = np.vectorize(float, otypes=[float])(found.astype(object))
    except (TypeError, ValueError):
        raise Wrong(f"{shown(answer)} is no array of real numbers") from None
    require(found.dtype.kind in "biufc", f"{shown(answer)} is no array of real numbers")
    size = np.abs(found).max(initial=0)
    real = not np.any(np.abs(found.imag) > 1e-12 * size)  # a Fourier transform rounds
    require(real, "is complex, but real numbers went in")
    return found.real.astype(float)


def several(answer, names):
    """The parts of an answer that is several things, such as a rate and a factor."""
    require(answer is not None, "no answer yet; does it end with return?")
    if isinstance(answer, str):
        answer = entries_of(answer, (len(names),)).ravel()
    if hasattr(answer, "keys"):
        named = {plain_name(key): value for key, value in answer.items()}
        known = {*named} == {*map(plain_name, names)}
        answer = [named[plain_name(n)] for n in names] if known else named.values()
    parts = list(answer) if np.iterable(answer) else [answer]
    if len(parts) == 1 and np.iterable(parts[0]) and len(parts[0]) == len(names):
        parts = list(parts[0])  # a row
    wanted = f"expected {len(names)}: {', '.join(names)}"
    require(len(parts) == len(names), f"{len(parts)} came, {wanted}")
    return parts


def plain_name(name):
    """A name as typed or printed: d_theta is dθ, and b1_bar is b1."""
    name = str(name).replace("theta", "θ").replace("alpha", "α").replace("_bar", "")
    return name.replace("_", "").replace(" ", "")


def agree(found, right, close):
    """Whether two arrays agree, relative to the largest entry of the second."""
    found, right = np.asarray(found, dtype=float), np.asarray(right, dtype=float)
    if found.shape != right.shape:
        return False
    size = np.abs(right).max(initial=0) or 1.0
    return bool(np.all(np.abs(found - right) <= close * size))


def fitted(array, shape):
    """The array in the shape asked for, if it differs by axes of length one only."""
    came, wanted = ([n for n in sizes if n > 1] for sizes in (array.shape, shape))
    asked = f"expected {shape}" if shape else "but one number is asked for"
    same = came == wanted and array.size == np.prod(shape, dtype=int)
    require(same, f"has shape {array.shape}, {asked}")
    return array.reshape(shape)


def describe(found, truth):
    """What a wrong array looks like, without the right one."""
    off = np.argwhere(np.abs(found - truth) > NEAR * (np.abs(truth).max() or 1.0))
    if not len(off):
        return "is right to a few digits only: something is rounded on the way"
    factor = (found * truth).sum() / ((truth * truth).sum() or 1.0)
    several, turned = truth.size > 1, truth.T.reshape(truth.shape)
    scaled = factor and agree(found, factor * truth, NEAR)
    patterns = {
        "the sign is turned": agree(found, -truth, NEAR),
        "is zero": not found.any(),
        "is twice what it should be": agree(found, 2 * truth, NEAR),
        f"is {factor:.4g} times what it should be, in every entry": several and scaled,
        "is transposed": agree(found, turned, NEAR),
        "has the right numbers in the wrong places": several
        and agree(np.sort(found, None), np.sort(truth, None), NEAR),
        f"is right in part: look at entry {off[0].tolist()}": len(off)
        <= truth.size // 2,
    }
    return next((text for text, fits in patterns.items() if fits), "is not right yet")


@contextmanager
def naming(name):
    """Put the name of a part, such as a block, before what is wrong with it."""
    try:
        yield
    except Wrong as wrong:
        raise Wrong(f"{name}: {wrong}") from None


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
    for n, (before, after) in enumerate(zip(arguments, copies, strict=True)):
        if not unchanged(before, after):
            names = [*inspect.signature(function).parameters]
            name = names[min(n, len(names) - 1)]
            raise Wrong(f"it changes its argument {name} in place")
    return result


def takes(function, arguments, options):
    """Whether a function can be called so; one that cannot say, as a ufunc, may."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return not options
    try:
        signature.bind(*arguments, **options)
    except TypeError:
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
