"""Check a derivative written by hand against derivatives from values alone.

`gradcheck` takes any function, its claimed gradient and a point. The three levels of
the ladder, each of which trusts the one below:

    check_gradient         loss       →  gradient
    check_hvp              gradient   →  H v
    check_meta_gradient    meta-loss  →  dθ, dα
"""

from collections.abc import Callable

import numpy as np

from ..adaptation import adapt, check_alpha, meta_gradient
from ..second_order import hvp as hessian_times_vector
from .compare import FLOOR, Judge, compare, taylor_rows
from .diagnosis import find_causes, name_mistakes
from .inputs import (
    Claim,
    Part,
    check_claim,
    check_pair,
    check_point,
    check_scalar,
    one_vector,
    parts_of,
    split_value,
)
from .noise import read
from .numerical import Line
from .report import Report


def gradcheck(
    function: Callable,
    gradient,
    point,
    *,
    hvp: Callable | None = None,
    blocks: Callable | None = None,
    rng: np.random.Generator | None = None,
    quantity: str = "gradient",
) -> Report:
    """Compare a claimed gradient with derivatives from values alone.

    Parameters
    ----------
    function : callable
        The function: a point (P,) to one number, real at a real point. It may return a
        tuple (value, gradient).
    gradient : array (P,), callable or None
        The gradient to check, or a function of the point that returns it; None for the
        second part of what `function` returns.
    point : array (P,)
        Where to check, real numbers.
    hvp : callable, optional
        (point, v) to the Hessian times v (P,), to check that too.
    blocks : callable, optional
        Cuts a vector (P,) into a dict of named views, as net.blocks does.
    rng : Generator, optional
        Draws the directions; default_rng(0) if left out.
    quantity : str
        What the report calls the gradient.

    Returns
    -------
    Report
        For each block the complex step (1e-12), the central difference (1e-7) and the
        slope of the Taylor remainder (2); with hvp the same for H v, of slope 3.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it should be, in a sentence that says what to pass.

    Examples
    --------
    >>> import math
    >>> from metasgd_np import gradcheck
    >>> report = gradcheck(lambda x: math.sin(x[0]) * x[1], [0.0, 0.0], [0.0, 2.0])
    >>> print(report.conclusion)
    WRONG: gradient all.

    A PyTorch or JAX function takes one line, and so does its gradient::

        x64 = lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True)
        gradcheck(
            lambda x: f(x64(x)).item(),
            lambda x: torch.autograd.grad(f(t := x64(x)), t)[0].numpy(),
            point,
        )
        gradcheck(lambda x: float(f(x)), lambda x: np.asarray(jax.grad(f)(x)), point)
    """
    rng = np.random.default_rng(0) if rng is None else rng
    x = check_point(point)
    function, gradient = split_value(function, gradient, x)
    f = check_scalar(function, x)
    parts = parts_of(blocks, x.size, quantity)
    claim = check_claim("gradient", gradient, point)
    report, _ = check_slopes(f, x, claim, parts, rng)
    if hvp is not None:
        v = random_direction(rng, x.size)
        parts = parts_of(blocks, x.size, f"Hessian of {quantity}")
        report += check_product(f, gradient, point, hvp, v, parts, rng)
    return report


def check_gradient(net, theta, X, Y, claimed=None, rng=None) -> Report:
    """Check the first level, loss → gradient.

    Parameters
    ----------
    net : TwoLayerNet, DeepNet or GaussianPolicy
        The network, whose net.gradient is checked.
    theta : array (P,)
        Where to check.
    X, Y : array
        One task: (N, D) and (N, O), or (N,) labels.
    claimed : array (P,) or callable, optional
        Checked in place of net.gradient: a vector, or a function of θ.
    rng : Generator, optional
        Draws the directions.

    Returns
    -------
    Report
        One line for each block.

    Examples
    --------
    >>> from metasgd_np import check_gradient
    >>> from metasgd_np.gradient_check import small_problem
    >>> net, theta, _, batch, _ = small_problem()
    >>> check_gradient(net, theta, batch.X_s[0], batch.Y_s[0]).ok
    True
    """
    return gradcheck(
        lambda t: net.loss(t, X, Y),
        (lambda t: net.gradient(t, X, Y)) if claimed is None else claimed,
        one_vector("theta", theta, net),
        blocks=net.blocks,
        rng=rng,
        quantity="loss → gradient",
    )


def check_hvp(net, theta, X, Y, v=None, claimed=None, rng=None) -> Report:
    """Check the second level, gradient → H v.

    net.gradient is differentiated along v, and net.loss must leave a remainder of third
    order. A wrong net.gradient spoils the reference, so climb the ladder in order.

    Parameters
    ----------
    net, theta, X, Y
        As for `check_gradient`.
    v : array (P,), optional
        The direction; random if left out.
    claimed : array (P,) or callable, optional
        Checked in place of `hvp`: a vector H v, without the Taylor test, which takes
        other directions, or a function (θ, v) to (P,).
    rng : Generator, optional
        Draws the directions.

    Returns
    -------
    Report
        One line for each block.

    Examples
    --------
    >>> from metasgd_np import check_hvp
    >>> from metasgd_np.gradient_check import small_problem
    >>> net, theta, _, batch, _ = small_problem()
    >>> check_hvp(net, theta, batch.X_s[0], batch.Y_s[0]).ok
    True
    """
    rng = np.random.default_rng(0) if rng is None else rng
    theta = one_vector("theta", theta, net)
    v = random_direction(rng, net.n_params) if v is None else one_vector("v", v, net)
    if claimed is None:

        def claimed(t, v):
            return hessian_times_vector(net, t, X, Y, v)

    f = check_scalar(lambda t: net.loss(t, X, Y), theta.astype(float))
    parts = parts_of(net.blocks, net.n_params, "gradient → H v")
    return check_product(
        f, lambda t: net.gradient(t, X, Y), theta, claimed, v, parts, rng
    )


def check_meta_gradient(
    net, theta, alpha, batch, steps=1, claimed=None, rng=None
) -> Report:
    """Check the third level, meta-loss → (dθ, dα), and name a known mistake.

    The meta-loss is the mean of net.loss after `adapt`, as a function of θ and α.
    `adapt` takes its steps with the net's own gradient: if that is wrong, so is the
    meta-loss, and only the first level shows it. Climb the ladder in order.

    Parameters
    ----------
    net, theta, alpha, batch, steps
        As for `meta_gradient`.
    claimed : MetaGradient or pair of arrays (P,), optional
        (dθ, dα) checked in place of `meta_gradient`'s: those of an implementation with
        automatic differentiation, say.
    rng : Generator, optional
        Draws the directions.

    Returns
    -------
    Report
        One line for each block of dθ and of dα.

    Examples
    --------
    >>> from metasgd_np import check_meta_gradient, meta_gradient
    >>> from metasgd_np.gradient_check import small_problem
    >>> problem = small_problem()
    >>> check_meta_gradient(*problem).ok
    True
    >>> first_order = meta_gradient(*problem, order=1)
    >>> check_meta_gradient(*problem, claimed=first_order).causes
    ('this is mistake 2, the curvature is dropped',)
    """
    rng = np.random.default_rng(0) if rng is None else rng
    theta = one_vector("theta", theta, net)
    alpha = one_vector("alpha", check_alpha(net, alpha, theta), net)
    x = np.concatenate([theta, alpha]).astype(np.float64)  # (2P,)
    f = check_scalar(meta_loss(net, batch, steps), x)
    if claimed is None:
        claimed = meta_gradient(net, theta, alpha, batch, steps)
    claim = meta_claim(claimed, theta)
    report, true = check_slopes(f, x, claim, meta_parts(net), rng)
    wrong = {int("α" in row.quantity) for row in report.wrong if row.slope is None}
    problem = (net, *np.split(x, 2), batch, steps)
    pairs = np.split(claim.values, 2), np.split(true, 2)
    causes = name_mistakes(problem, *pairs, wrong) if wrong else ()
    return Report(report.rows, causes or report.causes)


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
    claims = (
        check_claim("d_theta", d_theta, theta),
        check_claim("d_alpha", d_alpha, theta),
    )
    values = np.concatenate([claim.values for claim in claims])
    return Claim(values, any(claim.single for claim in claims))


def meta_parts(net):
    """The blocks of θ and then of α, in θ and α end to end (2P,)."""
    parts = parts_of(net.blocks, net.n_params, "meta-loss → dθ")
    for part in parts_of(net.blocks, net.n_params, "meta-loss → dα"):
        parts.append(Part(part.quantity, part.block, part.index + net.n_params))
    return parts


def random_direction(rng, size):
    """A vector (P,) with entries of either sign between 1/2 and 1."""
    return rng.choice([-1, 1], size) * rng.uniform(0.5, 1, size)


def check_slopes(f, x, claim, parts, rng):
    """The Report on a claimed gradient of f at x (P,), and the gradient by numbers."""
    unit = np.maximum(1, np.abs(x))  # (P,)
    across = read(Line(f, x, rng.choice([-1, 1], x.size) * unit))
    noise = across.noise[0]
    size = max(abs(f(x)), across.curvature[0], np.abs(claim.values * unit).max())
    judge = Judge(
        claim.values, scale_of(claim.values, parts, size / unit), claim.single
    )
    units = zip(np.eye(x.size), unit, strict=True)
    lines = [Line(f, x, e, unit_i) for e, unit_i in units]
    rows, true = compare(lines, judge, parts, noise)
    causes = causes_of(rows, claim.values, true, x, parts)
    rows += taylor_rows(f, x, judge, parts, noise, rows, rng)
    return Report(by_block(rows), causes), true


def check_product(f, gradient, point, hvp, v, parts, rng):
    """The Report on H v: the gradient's derivative along v, and Taylor's slope 3.

    gradient, hvp : functions or vectors; a vector leaves out what needs a function.
    """
    x = check_point(point)
    claim = check_claim("hvp", (lambda p: hvp(p, v)) if callable(hvp) else hvp, point)
    rows, causes = [], ()
    if callable(gradient):
        unit = np.abs(x).max(initial=1) / (np.abs(v).max() or 1.0)
        line = Line(lambda p: np.asarray(gradient(p)), x, v, unit)
        across = read(line)
        largest = max(np.abs(line.here).max(), across.curvature.max())
        size = max(largest, np.abs(claim.values).max() * unit) / unit
        scale = scale_of(claim.values, parts, np.full(x.size, size))
        judge = Judge(claim.values, scale, claim.single)
        rows, true = compare([line], judge, parts, across.noise)
        causes = causes_of(rows, claim.values, true, x, parts)
    if callable(hvp):
        slope = check_claim("gradient", gradient, point)
        judge = Judge(slope.values, np.abs(slope.values), slope.single)
        noise = read(Line(f, x, random_direction(rng, x.size))).noise[0]
        rows += taylor_rows(f, x, judge, parts, noise, rows, rng, lambda d: hvp(x, d))
    return Report(by_block(rows), causes)


def scale_of(claim, parts, size):
    """What errors are relative to (P,); size (P,) is that of F and its curvature."""
    scale = FLOOR * size
    for part in parts:
        largest = np.abs(claim[part.index]).max()
        scale[part.index] = np.maximum(scale[part.index], largest)
    return np.maximum(scale, np.finfo(float).tiny)


def causes_of(rows, claim, true, x, parts):
    """What the wrong rows look like."""
    failed = {(row.quantity, row.block) for row in rows if row.verdict == "wrong"}
    wrong = [part for part in parts if (part.quantity, part.block) in failed]
    return find_causes(claim, true, x, parts, wrong) if wrong else ()


def by_block(rows):
    """The rows of a block one after another, blocks in the order of appearance."""
    order = list(dict.fromkeys((row.quantity, row.block) for row in rows))
    return tuple(sorted(rows, key=lambda row: order.index((row.quantity, row.block))))
