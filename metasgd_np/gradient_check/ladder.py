"""Check a derivative written by hand against numerical ones.

`gradcheck` takes any function. The levels of the ladder, each relying on the one below:

    check_gradient         loss       →  gradient
    check_hvp              gradient   →  H v
    check_meta_gradient    meta-loss  →  dθ, dα
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray as Array
from numpy.typing import ArrayLike

from ..adaptation import adapt, check_alpha, meta_gradient
from ..interface import Network
from ..second_order import hvp as hessian_times_vector
from ..tasks import TaskBatch
from . import inputs
from .compare import CENTRAL, Entry, entry_rows, taylor_row
from .diagnosis import find_causes, name_mistakes
from .numerical import Line
from .report import Report

FLOOR = 1e-6  # of the function's size: the smallest scale of a relative error


def gradcheck(
    function: Callable,
    gradient: ArrayLike | Callable | None,
    point: ArrayLike,
    *,
    hvp: Callable | None = None,
    blocks: Callable | None = None,
    quantity: str = "gradient",
) -> Report:
    """Compare a claimed gradient with numerical derivatives.

    Parameters
    ----------
    function : callable
        Maps a point (P,) to one number, or to a tuple (value, gradient).
    gradient : array (P,), callable or None
        The gradient to check, or a function of the point that returns it; None for the
        second part of what `function` returns.
    point : array (P,)
        Where to check, real numbers.
    hvp : callable, optional
        Maps (point, v) to the Hessian times v (P,), to check that too.
    blocks : callable, optional
        Splits a vector (P,) into a dict of named views, as net.blocks does.
    quantity : str
        What the report calls the gradient.

    Returns
    -------
    Report
        The verdict on each block; its `explain` method describes the rules.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used; the message says what to pass.

    Examples
    --------
    >>> import math
    >>> from metasgd_np import gradcheck
    >>> gradcheck(lambda x: math.sin(x[0]) * x[1], [2.0, 0.0], [0.0, 2.0]).ok
    True

    A function written with PyTorch or JAX takes one line, its gradient another::

        def f64(x):
            return torch.tensor(x, dtype=torch.float64)

        gradcheck(lambda x: f(f64(x)).item(), lambda x: torch.func.grad(f)(f64(x)), x)
        gradcheck(lambda x: float(f(x)), jax.grad(f), x)
    """
    x = inputs.check_point(point)
    function, gradient = inputs.split_value(function, gradient, x)
    f = inputs.check_scalar(function, x)
    parts = inputs.parts_of(blocks, x.size, quantity)
    claim = inputs.check_claim("gradient", gradient, point)
    report, _ = check_slopes(f, x, claim, parts, quantity)
    if hvp is None:
        return report
    parts = inputs.parts_of(blocks, x.size, f"Hessian of {quantity}")
    v = random_direction(x.size, seed=1)
    return report + check_product(f, gradient, point, hvp, v, parts)


def check_gradient(
    net: Network, theta: Array, X: Array, Y: Array, claimed: Any = None
) -> Report:
    """Check the first level, loss → gradient.

    Parameters
    ----------
    net : TwoLayerNet, DeepNet or GaussianPolicy
        The network, whose net.gradient is checked.
    theta, X, Y : array
        Of one task: θ (P,), X (N, D), Y (N, O) or labels (N,).
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
    theta, blocks = inputs.one_vector("theta", theta, net), net.blocks
    gradient = (lambda t: net.gradient(t, X, Y)) if claimed is None else claimed
    name = "loss → gradient"
    f = lambda t: net.loss(t, X, Y)  # noqa: E731
    return gradcheck(f, gradient, theta, blocks=blocks, quantity=name)


def check_hvp(
    net: Network,
    theta: Array,
    X: Array,
    Y: Array,
    v: Array | None = None,
    claimed: Any = None,
) -> Report:
    """Check the second level, gradient → H v, which relies on net.gradient.

    Parameters
    ----------
    net : TwoLayerNet, DeepNet or GaussianPolicy
        The network.
    theta, X, Y : array
        As for `check_gradient`.
    v : array (P,), optional
        The direction; random if left out.
    claimed : array (P,) or callable, optional
        Checked in place of `hvp`: H v, or a function (θ, v) to (P,), whose curvature
        the Taylor test checks in another direction too.

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
    theta = inputs.one_vector("theta", theta, net)
    v = random_direction(theta.size, seed=1) if v is None else v
    v = inputs.one_vector("v", v, net)
    if claimed is None:

        def claimed(t, v):
            return hessian_times_vector(net, t, X, Y, v)

    f = inputs.check_scalar(lambda t: net.loss(t, X, Y), theta.astype(float))
    parts = inputs.parts_of(net.blocks, net.n_params, "gradient → H v")
    return check_product(f, lambda t: net.gradient(t, X, Y), theta, claimed, v, parts)


def check_meta_gradient(
    net: Network,
    theta: Array,
    alpha: ArrayLike,
    batch: TaskBatch,
    steps: int = 1,
    claimed: Any = None,
) -> Report:
    """Check the third level, meta-loss → (dθ, dα), and name any known mistake.

    The meta-loss is the mean of net.loss after `adapt`, which takes its steps with the
    net's own gradient: if that is wrong, only the first level shows it.

    Parameters
    ----------
    net : TwoLayerNet, DeepNet or GaussianPolicy
        The network.
    theta, alpha, batch, steps : array, array or number, TaskBatch, int
        As for `meta_gradient`.
    claimed : MetaGradient or pair of arrays (P,), optional
        (dθ, dα), checked in place of `meta_gradient`'s: from autograd, say.

    Returns
    -------
    Report
        The verdict on each block of dθ and of dα.

    Examples
    --------
    >>> from metasgd_np import check_meta_gradient, meta_gradient
    >>> from metasgd_np.gradient_check import small_problem
    >>> problem = small_problem()
    >>> first_order = meta_gradient(*problem, order=1)
    >>> check_meta_gradient(*problem, claimed=first_order).causes
    ('this is mistake 2, the curvature is dropped',)
    """
    theta = inputs.one_vector("theta", theta, net)
    alpha = inputs.one_vector("alpha", check_alpha(net, alpha, theta), net)
    x = np.concatenate([theta, alpha]).astype(np.float64)  # (2P,)

    def meta_loss(x):
        theta, alpha = np.split(x, 2)
        theta_J = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)[-1]
        return net.loss(theta_J, batch.X_q, batch.Y_q).mean()

    f = inputs.check_scalar(meta_loss, x)
    if claimed is None:
        claimed = meta_gradient(net, theta, alpha, batch, steps)
    claim = inputs.check_pair(claimed, theta)  # (2P,)
    report, true = check_slopes(f, x, claim, meta_parts(net), "both")
    wrong = {int("α" in row.quantity) for row in report.wrong if row.where}
    problem = net, *np.split(x, 2), batch, steps
    pairs = np.split(claim, 2), np.split(true, 2)
    named = name_mistakes(problem, *pairs, wrong) if wrong else ()
    return Report(report.rows, named or report.causes)


def meta_parts(net):
    """The blocks of θ, then of α, as indices into the two end to end (2P,)."""
    of_theta = inputs.parts_of(net.blocks, net.n_params, "meta-loss → dθ")
    of_alpha = inputs.parts_of(net.blocks, net.n_params, "meta-loss → dα")
    return of_theta | {name: index + net.n_params for name, index in of_alpha.items()}


def random_direction(size, seed=0):
    """A vector (P,) of random signs and sizes between 1/2 and 1."""
    rng = np.random.default_rng(seed)
    return rng.choice([-1, 1], size) * rng.uniform(0.5, 1, size)


def judge(lines, across, claim, parts, x):
    """(rows, slopes found (P,), causes) of claimed slopes (P,) of all outputs of lines.

    across : a Line that shows the size of F and the error of its values
    """
    units = np.repeat([line.unit for line in lines], [line.size for line in lines])
    scale = np.maximum(FLOOR * across.largest / units, np.finfo(float).tiny)  # (P,)
    for index in parts.values():
        scale[index] = np.maximum(scale[index], np.abs(claim[index]).max())
    single = claim.dtype == np.float32
    outputs = [(line, i) for line in lines for i in range(line.size)]
    entries = [
        Entry(float(claim[p]), scale[p], single, line, i, across.noise[i])
        for p, (line, i) in enumerate(outputs)
    ]
    rows, true = entry_rows(entries, parts)
    wrong = {(row.quantity, row.block) for row in rows if row.verdict == "wrong"}
    return rows, true, find_causes(claim, true, x, parts, wrong)


def check_slopes(f, x, claim, parts, quantity):
    """The Report on a claimed gradient of f at x (P,), and the numerical gradient."""
    unit = np.maximum(1, np.abs(x))  # (P,)
    lines = [Line(f, x, *line) for line in zip(np.eye(x.size), unit, strict=True)]
    across = Line(f, x, random_direction(x.size) * unit)
    rows, true, causes = judge(lines, across, claim, parts, x)
    return Report((*rows, taylor(quantity, across, claim, rows)), causes), true


def check_product(f, gradient, point, hvp, v, parts):
    """The Report on H v: the gradient's derivative along v, and Taylor's slope 3.

    gradient, hvp : functions or vectors; a vector skips checks that need a function.
    """
    x, quantity = inputs.check_point(point), next(iter(parts))[0]
    product = (lambda p: hvp(p, v)) if callable(hvp) else hvp
    claim = inputs.check_claim("hvp", product, point)
    rows, causes = [], ()
    if callable(gradient):
        unit = np.abs(x).max(initial=1) / (np.abs(v).max() or 1.0)
        line = Line(lambda p: np.asarray(gradient(p)), x, v, unit, x.size)
        rows, _, causes = judge([line], line, claim, parts, x)
    if callable(hvp):
        d = random_direction(x.size) * np.maximum(1, np.abs(x))
        slopes = inputs.check_claim("gradient", gradient, point)
        rows.append(taylor(quantity, Line(f, x, d), slopes, rows, hvp(x, d) @ d))
    return Report(tuple(rows), causes)


def taylor(quantity, line, claim, rows, curvature=None):
    """The Row of the Taylor test on claimed slopes (P,) along a line."""
    size = np.abs(claim) @ np.abs(line.direction) or np.finfo(float).tiny
    single = claim.dtype == np.float32
    entry = Entry(float(claim @ line.direction), size, single, line, 0, line.noise[0])
    others = [row.verdict for row in rows if row.method == CENTRAL]
    return taylor_row(quantity, entry, curvature, others)
