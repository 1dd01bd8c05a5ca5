"""What a gradient check is handed: a function, a claim, a point and its blocks.

Each is checked here once, where it enters, and made float64; `Part` and `Claim` carry
blocks and claims on. A claim in float32 is held to a looser tolerance.
"""

from dataclasses import dataclass

import numpy as np

from ..checks import as_numbers, check_vector
from .numerical import SLOPE_SLACK
from .reports import Row

COMPLEX, CENTRAL, TAYLOR = "complex step", "central difference", "Taylor remainder"
TOLERANCE = {COMPLEX: 1e-12, CENTRAL: 1e-7}
WHY = {
    COMPLEX: "nothing is subtracted, so only rounding remains",
    CENTRAL: "the step h = EPS^(1/3) = 6e-6 leaves truncation h² and rounding EPS/h, "
    "both near 4e-11, times what the function amplifies",
    2: f"of a right gradient t² remains, of a wrong one t; {SLOPE_SLACK} below is ok",
    3: f"of a right Hessian t³ remains, of a wrong one t²; {SLOPE_SLACK} below is ok",
}
FLOAT32_TOLERANCE = 3e-4
WHY_FLOAT32 = "the claim is in float32, which rounds at 1e-7; the reference is float64"


@dataclass(frozen=True)
class Part:
    """Where one block lies in a vector (P,): index has the block's shape."""

    quantity: str
    block: str
    index: np.ndarray

    def row(self, method, errors, verdict, limit, note="", pick=None):
        """A Row with the largest error, of the entries `pick` (P,) where given."""
        mine = errors[self.index]
        if pick is not None and pick[self.index].any():
            mine = np.where(pick[self.index], mine, -1)
        where = np.unravel_index(mine.argmax(), mine.shape)
        where = tuple(int(i) for i in where)
        tolerance, why = limit
        note = note.format(", ".join(map(str, where)))
        return Row(
            self.quantity,
            self.block,
            method,
            float(errors[self.index][where]),
            where,
            verdict,
            tolerance,
            why,
            note,
        )

    def not_run(self, method, limit, note):
        """A Row that says why the method could not be run."""
        return Row(
            self.quantity, self.block, method, np.nan, (), "not run", *limit, note
        )


@dataclass(frozen=True)
class Claim:
    """Claimed slopes (P,) in float64, and whether they came in single precision."""

    values: np.ndarray
    single: bool = False

    def limit(self, method):
        """(largest error that is ok, why)."""
        if self.single:
            return FLOAT32_TOLERANCE, WHY_FLOAT32
        return TOLERANCE[method], WHY[method]

    def scale(self, parts, floor):
        """What errors are relative to (P,): see the module's text; floor (P,)."""
        scale = floor.copy()
        for part in parts:
            largest = np.abs(self.values[part.index]).max()
            scale[part.index] = np.maximum(floor[part.index], largest)
        return scale


def check_point(point):
    """The point as float64 (P,), or an error."""
    x = as_numbers("point", point)
    if x.dtype.kind == "c" or x.ndim != 1 or x.size == 0:
        raise ValueError(
            f"point has shape {x.shape} and dtype {x.dtype}, but it must be one vector "
            "(P,) of real numbers; wrap a single number as [number], flatten a matrix "
            "with .ravel()"
        )
    return x.astype(np.float64)


def claim_of(name, claimed, point):
    """The Claim of a vector, or of a function of the point, or an error."""
    if callable(claimed):
        with np.errstate(all="ignore"):  # told below
            values, told = claimed(np.array(point)), f"{name}(point)"
    else:
        values, told = claimed, name
    values = np.asarray(values)
    if values.dtype.kind not in "biufO" or values.dtype == np.float16:
        raise TypeError(
            f"{told} has dtype {values.dtype}, but it must hold real numbers; "
            "compute it in float64 (or float32)"
        )
    if values.shape != np.shape(point):
        raise ValueError(
            f"{told} has shape {values.shape}, but the point has shape "
            f"{np.shape(point)}, and every entry needs its derivative; lay matrices "
            "end to end in the order of the point"
        )
    single = values.dtype == np.float32
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        where = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(
            f"{told} holds {values[where]} at index {where}; a derivative must be "
            "finite, so look for 0/0, log(0) or overflow where it is computed"
        )
    return Claim(values, single)


def scalar(function):
    """`function`, checked to be callable and to return one number."""
    if not callable(function):
        raise TypeError(
            f"function is {function!r}, but it must be a function of the point, such "
            "as lambda theta: net.loss(theta, X, Y)"
        )

    def checked(x):
        value = np.asarray(function(x))
        if value.shape != () or value.dtype.kind not in "biufcO":
            raise ValueError(
                f"function returned shape {value.shape} and dtype {value.dtype}, but a "
                "gradient needs one number; sum or average it, or take its only entry"
            )
        if value.dtype.kind in "fc" and value.real.dtype.itemsize < 8:
            raise ValueError(
                f"function returned {value.dtype} for a point in float64, too coarse "
                "for a reference; take the conversion out, or data of that dtype"
            )
        return value if value.dtype.kind == "c" else value.astype(np.float64)

    return checked


def vector(gradient, size):
    """`gradient` as a function, checked to return one vector (P,)."""

    def checked(x):
        value = np.asarray(gradient(x))
        if value.shape != (size,):
            raise ValueError(
                f"gradient returned shape {value.shape}, but the point has {size} "
                "entries, and every entry needs its derivative"
            )
        return value

    return checked


def check_twice(f, x):
    """ValueError if f is not finite at x, or does not give the same value twice."""
    with np.errstate(all="ignore"):
        first, second = f(x.copy()), f(x.copy())
    if not np.isfinite(first):
        raise ValueError(
            f"function returned {first} at the point itself, so there is no derivative "
            "to check; choose a point where it is finite, with smaller weights or step "
            "sizes if it overflowed"
        )
    if first != second:
        raise ValueError(
            f"function returned {first} and then {second} at the same point; draw its "
            "random numbers before, or from a generator made anew each time"
        )


def parts_of(blocks, size, quantity):
    """The Parts into which `blocks` cuts a vector (P,); one called "all" if None."""
    order = np.arange(size, dtype=np.float64)
    named = {"all": order} if blocks is None else blocks(order)
    if not hasattr(named, "items"):
        raise TypeError(
            f"blocks returned {type(named).__name__}, but it must return a dict "
            "{name: view of the vector}, as net.blocks does"
        )
    parts = [
        Part(quantity, str(name), np.asarray(view).astype(np.intp))
        for name, view in named.items()
    ]
    covered = np.sort(np.concatenate([part.index.ravel() for part in parts]))
    if not np.array_equal(covered, np.arange(size)):
        raise ValueError(
            f"blocks shares out {covered.size} entries, but the point has {size}; "
            "every entry must lie in exactly one block"
        )
    return parts


def one_vector(name, vector, net):
    """`vector` checked to be one (P,), its dtype kept."""
    vector = check_vector(name, vector, net.n_params)
    if vector.ndim != 1:
        raise ValueError(
            f"{name} has shape {vector.shape}, but the check takes one vector, "
            f"({net.n_params},); check one task at a time, {name}[0]"
        )
    return vector


def check_pair(claimed):
    """(d_theta, d_alpha) of a MetaGradient or a pair."""
    if hasattr(claimed, "d_theta"):
        return claimed.d_theta, claimed.d_alpha
    try:
        d_theta, d_alpha = claimed
    except (TypeError, ValueError):
        raise TypeError(
            f"claimed is {type(claimed).__name__}, but it must be a MetaGradient or a "
            "pair (d_theta, d_alpha) of vectors (P,)"
        ) from None
    return d_theta, d_alpha
