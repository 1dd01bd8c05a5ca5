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
from .compare import Entry, entry_rows, random_direction, taylor_rows
from .diagnosis import find_causes, name_mistakes
from .inputs import (
    check_claim,
    check_pair,
    check_point,
    check_scalar,
    one_vector,
    parts_of,
    split_value,
)
from .noise import EPS
from .numerical import Line
from .report import Report

FLOOR = 1e-6  # of the function's size: the least that errors are relative to


def gradcheck(
    function: Callable,
    gradient,
    point,
    *,
    hvp: Callable | None = None,
    blocks: Callable | None = None,
    quantity: str = "gradient",
) -> Report:
    """Compare a claimed gradient with derivatives from values alone.

    Parameters
    ----------
    function : callable
        A point (P,) to one number; or to a tuple (value, gradient).
    gradient : array (P,), callable or None
        The gradient to check, or a function of the point that returns it; None for the
        second part of what `function` returns.
    point : array (P,)
        Where to check, real numbers.
    hvp : callable, optional
        (point, v) to the Hessian times v (P,), to check that too.
    blocks : callable, optional
        Cuts a vector (P,) into a dict of named views, as net.blocks does.
    quantity : str
        What the report calls the gradient.

    Returns
    -------
    Report
        The verdict on each block; report.explain() says how it comes about.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used; the message says what to pass.

    Examples
    --------
    >>> import math
    >>> from metasgd_np import gradcheck
    >>> report = gradcheck(lambda x: math.sin(x[0]) * x[1], [2.0, 0.0], [0.0, 2.0])
    >>> print(report.conclusion)
    OK: 1 block agrees.

    A function written with PyTorch or JAX takes a line, and so does its gradient::

        def at(x):
            return torch.tensor(x, dtype=torch.float64, requires_grad=True)

        gradcheck(lambda x: f(at(x)).item(), lambda x: torch.func.grad(f)(at(x)), x)
        gradcheck(lambda x: float(f(x)), jax.grad(f), x)
    """
    x = check_point(point)
    function, gradient = split_value(function, gradient, x)
    f = check_scalar(function, x)
    parts = parts_of(blocks, x.size, quantity)
    report, _ = check_slopes(f, x, check_claim("gradient", gradient, point), parts)
    if hvp is not None:
        parts = parts_of(blocks, x.size, f"Hessian of {quantity}")
        v = random_direction(x.size, seed=1)
        report += check_product(f, gradient, point, hvp, v, parts)
    return report


def check_gradient(net, theta, X, Y, claimed=None) -> Report:
    """Check the first level, loss → gradient.

    Parameters
    ----------
    net, theta, X, Y
        As for net.gradient, of one task: θ (P,), X (N, D), Y (N, O) or labels (N,).
    claimed : array (P,) or callable, optional
        Checked in place of net.gradient: a vector, or a function of θ.

    Returns
    -------
    Report
        The verdict on each block.

    Examples
    --------
    >>> from metasgd_np import check_gradient
    >>> from metasgd_np.gradient_check import small_problem
    >>> net, theta, _, batch, _ = small_problem()
    >>> check_gradient(net, theta, batch.X_s[0], batch.Y_s[0]).ok
    True
    """
    if claimed is None:

        def claimed(t):
            return net.gradient(t, X, Y)

    theta = one_vector("theta", theta, net)
    return gradcheck(
        lambda t: net.loss(t, X, Y),
        claimed,
        theta,
        blocks=net.blocks,
        quantity="loss → gradient",
    )


def check_hvp(net, theta, X, Y, v=None, claimed=None) -> Report:
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

    Returns
    -------
    Report
        The verdict on each block.

    Examples
    --------
    >>> from metasgd_np import check_hvp
    >>> from metasgd_np.gradient_check import small_problem
    >>> net, theta, _, batch, _ = small_problem()
    >>> check_hvp(net, theta, batch.X_s[0], batch.Y_s[0]).ok
    True
    """
    theta = one_vector("theta", theta, net)
    v = random_direction(theta.size, seed=1) if v is None else one_vector("v", v, net)
    if claimed is None:

        def claimed(t, v):
            return hessian_times_vector(net, t, X, Y, v)

    f = check_scalar(lambda t: net.loss(t, X, Y), theta.astype(float))
    parts = parts_of(net.blocks, net.n_params, "gradient → H v")
    return check_product(f, lambda t: net.gradient(t, X, Y), theta, claimed, v, parts)


def check_meta_gradient(net, theta, alpha, batch, steps=1, claimed=None) -> Report:
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

    Returns
    -------
    Report
        The verdict on each block of dθ and of dα.

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
    theta = one_vector("theta", theta, net)
    alpha = one_vector("alpha", check_alpha(net, alpha, theta), net)
    x = np.concatenate([theta, alpha]).astype(np.float64)  # (2P,)
    f = check_scalar(meta_loss(net, batch, steps), x)
    if claimed is None:
        claimed = meta_gradient(net, theta, alpha, batch, steps)
    pair = zip(("d_theta", "d_alpha"), check_pair(claimed), strict=True)
    claim = np.concatenate([check_claim(name, part, theta) for name, part in pair])
    report, true = check_slopes(f, x, claim, meta_parts(net))
    wrong = {int("α" in row.quantity) for row in report.wrong if row.where}
    problem = net, *np.split(x, 2), batch, steps
    pairs = np.split(claim, 2), np.split(true, 2)
    named = name_mistakes(problem, *pairs, wrong) if wrong else ()
    return Report(report.rows, named or report.causes)


def meta_loss(net, batch, steps):
    """The mean query loss after adapting, as a function of θ and α end to end (2P,)."""

    def function(x):
        theta, alpha = x[: net.n_params], x[net.n_params :]
        theta_J = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)[-1]
        return net.loss(theta_J, batch.X_q, batch.Y_q).mean()

    return function


def meta_parts(net):
    """The blocks of θ and then of α, in θ and α end to end (2P,)."""
    of_theta, of_alpha = (
        parts_of(net.blocks, net.n_params, f"meta-loss → {name}") for name in ("dθ", "dα")
    )
    return of_theta | {k: index + net.n_params for k, index in of_alpha.items()}


def check_slopes(f, x, claim, parts):
    """The Report on a claimed gradient of f at x (P,), and the gradient by values."""
    unit = np.maximum(1, np.abs(x))  # (P,)
    size, noise = size_of(Line(f, x, random_direction(x.size) * unit))
    lines = [
        Line(f, x, e, unit_i) for e, unit_i in zip(np.eye(x.size), unit, strict=True)
    ]
    scale = scale_of(claim, parts, FLOOR * size / unit)
    single, claim = claim.dtype == np.float32, claim.astype(float)
    entries = [
        Entry(claim[i], scale[i], single, line, 0, noise[0])
        for i, line in enumerate(lines)
    ]
    rows, true = entry_rows(entries, parts)
    causes = causes_of(rows, claim, true, x, parts)
    rows += taylor_rows(f, x, claim, single, parts, noise[0], rows)
    return Report(by_block(rows), causes), true


def check_product(f, gradient, point, hvp, v, parts):
    """The Report on H v: the gradient's derivative along v, and Taylor's slope 3.

    gradient, hvp : functions or vectors; a vector leaves out what needs a function.
    """
    x = check_point(point)
    claim = check_claim("hvp", (lambda p: hvp(p, v)) if callable(hvp) else hvp, point)
    single, claim = claim.dtype == np.float32, claim.astype(float)
    rows, causes = [], ()
    if callable(gradient):
        unit = np.abs(x).max(initial=1) / (np.abs(v).max() or 1.0)
        line = Line(lambda p: np.asarray(gradient(p)), x, v, unit)
        size, noise = size_of(line)
        scale = scale_of(claim, parts, np.full(x.size, FLOOR * size / unit))
        entries = [
            Entry(claim[i], scale[i], single, line, i, noise[i]) for i in range(x.size)
        ]
        rows, true = entry_rows(entries, parts)
        causes = causes_of(rows, claim, true, x, parts)
    if callable(hvp):
        slope = check_claim("gradient", gradient, point).astype(float)
        noise = size_of(Line(f, x, random_direction(x.size)))[1][0]
        rows += taylor_rows(
            f, x, slope, single, parts, noise, rows, lambda d: hvp(x, d)
        )
    return Report(by_block(rows), causes)


def size_of(line):
    """(the size of F and of its curvature, the error of its values (n,))."""
    curvature = line.reading.curvature * line.unit**2
    size = max(np.abs(line.here).max(), curvature.max())
    return size, np.maximum(line.reading.noise, EPS * size)


def scale_of(claim, parts, floor):
    """What errors are relative to (P,): the block's largest entry, or floor (P,)."""
    scale = np.maximum(floor, np.finfo(float).tiny)
    for index in parts.values():
        scale[index] = np.maximum(scale[index], np.abs(claim[index]).max())
    return scale


def causes_of(rows, claim, true, x, parts):
    """What the wrong rows look like."""
    wrong = {(row.quantity, row.block) for row in rows if row.verdict == "wrong"}
    return find_causes(claim, true, x, parts, wrong) if wrong else ()


def by_block(rows):
    """The rows of a block one after another, blocks in the order of appearance."""
    order = list(dict.fromkeys((row.quantity, row.block) for row in rows))
    return tuple(sorted(rows, key=lambda row: order.index((row.quantity, row.block))))
