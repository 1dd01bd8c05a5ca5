"""Check a derivative written by hand against derivatives by numbers alone.

`gradcheck` takes any function, its claimed gradient and a point, and reports block by
block how far the claim is from the complex step and from the central difference, and
whether it leaves a Taylor remainder of the right order (numerical.py, comparing.py).

The three rungs of the ladder, each of which trusts the one below:

    check_gradient         loss       →  gradient
    check_hvp              gradient   →  H v
    check_meta_gradient    meta-loss  →  dθ, dα
"""

import numpy as np

from ..adaptation import adapt, check_alpha, meta_gradient
from ..second_order import hvp as hessian_times_vector
from .claims import (
    Claim,
    Part,
    check_pair,
    check_point,
    check_twice,
    claim_of,
    one_vector,
    parts_of,
    scalar,
    vector,
)
from .comparing import FLOOR, compare, leave_out_noise, taylor_rows
from .numerical import Line, natural_size
from .reports import Report


def gradcheck(
    function,
    gradient,
    point,
    *,
    hvp=None,
    blocks=None,
    rng=None,
    quantity="gradient",
    magnitude=0.0,
):
    """Compare a claimed gradient with derivatives by numbers alone; return a Report.

    Parameters
    ----------
    function : point (P,) → number      the function, real at a real point
    gradient : (P,), or function of the point → (P,)    the claim
    point : (P,)           real numbers; the reference is computed in float64
    hvp : function (point, v) → (P,)    the claimed Hessian times v, to check it too
    blocks : function      cuts a vector (P,) into named views, as net.blocks does
    rng : Generator        draws the directions; default_rng(0) if left out
    quantity : str         what the report calls the gradient
    magnitude : number     size of the numbers that the function subtracts from one
        another, if that is far above its value: it tells how large rounding errors are

    The report holds for each block the complex step (1e-12), the central difference
    (1e-7) and the slope of the Taylor remainder (2); with hvp, the same for H v, where
    the slope is 3 and, if gradient is a function, its derivative along a random v.

    Raises ValueError or TypeError if the claim has not the point's shape, or the
    function returns no number, NaN, or two values for one point.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    x, f = check_point(point), scalar(function)
    check_twice(f, x)
    parts = parts_of(blocks, x.size, quantity)
    claim = claim_of("gradient", gradient, point)
    rows = gradient_rows(f, x, claim, parts, rng, magnitude)
    if hvp is not None:
        v = rng.choice([-1, 1], x.size) * rng.uniform(0.5, 1, x.size)
        parts = parts_of(blocks, x.size, f"Hessian of {quantity}")
        rows += hvp_rows(f, gradient, point, hvp, v, parts, rng, magnitude)
    return Report(by_block(rows))


def check_gradient(net, theta, X, Y, claimed=None, rng=None):
    """First rung, loss → gradient: a Report on net.gradient at θ (P,).

    `claimed`, a vector (P,) or a function of θ, is checked in its place if given: your
    own gradient of net.loss, say.
    """
    return gradcheck(
        lambda t: net.loss(t, X, Y),
        (lambda t: net.gradient(t, X, Y)) if claimed is None else claimed,
        one_vector("theta", theta, net),
        blocks=net.blocks,
        rng=rng,
        quantity="loss → gradient",
        magnitude=output_size(net, theta, X),
    )


def check_hvp(net, theta, X, Y, v=None, claimed=None, rng=None):
    """Second rung, gradient → H v: a Report on hvp at θ (P,) in direction v (P,).

    net.gradient is differentiated along v, and net.loss must leave a remainder of third
    order. v is random if left out. `claimed`, a vector H v (P,) or a function (θ, v) →
    (P,), is checked in hvp's place if given; a vector without the Taylor test, which
    takes other directions.

    A wrong net.gradient spoils the reference, so climb the ladder in order.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    theta = one_vector("theta", theta, net)
    if v is None:
        v = rng.choice([-1, 1], net.n_params) * rng.uniform(0.5, 1, net.n_params)
    if claimed is None:

        def claimed(t, v):
            return hessian_times_vector(net, t, X, Y, v)

    rows = hvp_rows(
        scalar(lambda t: net.loss(t, X, Y)),
        lambda t: net.gradient(t, X, Y),
        theta,
        claimed,
        one_vector("v", v, net),
        parts_of(net.blocks, net.n_params, "gradient → H v"),
        rng,
        output_size(net, theta, X),
    )
    return Report(by_block(rows))


def check_meta_gradient(net, theta, alpha, batch, steps=1, claimed=None, rng=None):
    """Third rung, meta-loss → (dθ, dα): a Report on meta_gradient.

    The meta-loss is the mean of net.loss after `adapt`, as a function of θ and α.
    `claimed`, a MetaGradient or a pair (d_theta, d_alpha), each (P,), is checked in its
    place if given: the result of an implementation with automatic differentiation, say.
    The other arguments are those of meta_gradient.

    `adapt` takes its steps with the net's own gradient. If that is wrong, so is the
    meta-loss, and a meta-gradient may agree with it; only the first rung tells. Climb
    the ladder in order.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    theta = one_vector("theta", theta, net)
    alpha = one_vector("alpha", check_alpha(net, alpha, theta), net)
    x = np.concatenate([theta, alpha]).astype(np.float64)  # (2P,)
    f = scalar(meta_loss(net, batch, steps))
    check_twice(f, x)
    if claimed is None:
        claimed = meta_gradient(net, theta, alpha, batch, steps)
    claim = meta_claim(claimed, theta)
    theta_J = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)[-1]
    magnitude = output_size(net, theta_J, batch.X_q)
    rows = gradient_rows(f, x, claim, meta_parts(net), rng, magnitude)
    return Report(by_block(rows))


def meta_loss(net, batch, steps):
    """The mean query loss after adapting, as a function of θ and α end to end (2P,)."""

    def function(x):
        theta, alpha = x[: net.n_params], x[net.n_params :]
        theta_J = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)[-1]
        return net.loss(theta_J, batch.X_q, batch.Y_q).mean()

    return function


def meta_claim(claimed, theta):
    """The Claim (2P,) of a MetaGradient or a pair (d_theta, d_alpha)."""
    d_theta, d_alpha = check_pair(claimed)
    claims = claim_of("d_theta", d_theta, theta), claim_of("d_alpha", d_alpha, theta)
    values = np.concatenate([claim.values for claim in claims])
    return Claim(values, any(claim.single for claim in claims))


def meta_parts(net):
    """The blocks of θ and then of α, in θ and α end to end (2P,)."""
    parts = parts_of(net.blocks, net.n_params, "meta-loss → dθ")
    for part in parts_of(net.blocks, net.n_params, "meta-loss → dα"):
        parts.append(Part(part.quantity, part.block, part.index + net.n_params))
    return parts


def output_size(net, theta, X):
    """max |F|: a cross-entropy subtracts outputs from one another."""
    with np.errstate(all="ignore"):
        return float(np.abs(net.forward(theta, X)).max())


def gradient_rows(f, x, claim, parts, rng, magnitude):
    """Rows on a claimed gradient of f at x (P,), by all three methods."""
    lines, unit = entry_lines(f, x)
    size = size_of(f, x, rng, magnitude)
    largest = np.abs(claim.values * unit).max()
    floor = FLOOR * max(size.value, largest) / unit  # (P,)
    rows, trusted = compare(lines, claim, parts, floor)
    rows += taylor_rows(f, x, claim, parts, size.value, trusted, rng)
    return leave_out_noise(rows, size, largest)


def hvp_rows(f, gradient, point, hvp, v, parts, rng, magnitude):
    """Rows on a claimed H v: the gradient's derivative along v, and Taylor's slope 3.

    gradient, hvp : functions or vectors; a vector leaves out what needs a function.
    """
    x = check_point(point)
    product = (lambda p: hvp(p, v)) if callable(hvp) else hvp
    claim = claim_of("hvp", product, point)
    rows, trusted = [], np.zeros(x.size, dtype=bool)
    if callable(gradient):
        unit = np.abs(x).max(initial=1) / (np.abs(v).max() or 1.0)
        line = Line(vector(gradient, x.size), x, v, "gradient", unit)
        size = natural_size(line, magnitude)
        largest = np.abs(claim.values).max() * unit
        floor = np.full(x.size, FLOOR * max(size.value, largest) / unit)
        rows, trusted = compare([line], claim, parts, floor)
        rows = leave_out_noise(rows, size, largest)
    if callable(hvp):
        size = size_of(f, x, rng, magnitude)
        slope = claim_of("gradient", gradient, point)
        taylor = taylor_rows(
            f, x, slope, parts, size.value, trusted, rng, lambda d: hvp(x, d)
        )
        rows += leave_out_noise(taylor, size, np.abs(slope.values).max())
    return rows


def entry_lines(f, x):
    """One Line along each entry of x, and the unit of each (P,)."""
    unit = np.maximum(1, np.abs(x))  # (P,)
    entries = enumerate(np.eye(len(x)))
    return [Line(f, x, e, "function", unit[i]) for i, e in entries], unit


def size_of(f, x, rng, magnitude=0.0):
    """The Size of f near x (P,), along a random direction."""
    direction = rng.choice([-1, 1], len(x)) * np.maximum(1, np.abs(x))
    return natural_size(Line(f, x, direction, "function"), magnitude)


def by_block(rows):
    """The rows of a block one after another, blocks in the order of appearance."""
    order = list(dict.fromkeys((row.quantity, row.block) for row in rows))
    return tuple(sorted(rows, key=lambda row: order.index((row.quantity, row.block))))
