"""Check a derivative written by hand against numerical ones.

`gradcheck` takes any function. The levels of the ladder, each relying on the one below:

    check_gradient         loss       →  gradient
    check_hvp              gradient   →  H v, the gradient of g · v
    check_meta_gradient    meta-loss  →  dθ, dα
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy import ndarray as Array
from numpy.typing import ArrayLike

from ..adaptation import adapt, check_alpha, meta_gradient
from ..checks import check_function
from ..interface import Network
from ..net_checks import check_vector
from ..second_order import hvp as hessian_times_vector
from ..tasks import TaskBatch
from . import inputs
from .compare import CENTRAL, COMPLEX, Entry, block_row, taylor_row
from .diagnosis import find_causes, name_mistakes
from .noise import noise_and_size
from .numerical import Line
from .report import Report

FLOOR = 1e-7  # of the function's size: the smallest scale of a relative error
TINY = np.finfo(np.float64).tiny


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
    if not isinstance(quantity, str):
        raise TypeError(f"quantity is {quantity!r}, but it is a title; pass a text")
    function, gradient = inputs.split_value(function, gradient, x)
    parts = inputs.parts_of(blocks, x.size, quantity)
    claim = inputs.check_claim("gradient", gradient, point)
    report, _ = check_slopes(function, x, claim, parts)
    if hvp is None:
        return report
    check_function("hvp", hvp, "theta, v")
    if not callable(gradient):
        raise TypeError(
            "gradient is not a function, but hvp is compared with differences of "
            "gradients; pass a function of the point that returns the gradient"
        )
    v = direction_at(point)
    along, product = lambda x: np.asarray(gradient(x)) @ v, lambda x: hvp(x, v)
    name = f"Hessian of {quantity}"
    return report + gradcheck(along, product, point, blocks=blocks, quantity=name)


def check_gradient(
    net: Network, theta: Array, X: Array, Y: Array, claimed: Any = None
) -> Report:
    """Check the first level, loss → gradient.

    Parameters
    ----------
    net, theta, X, Y : Network, array (P,), array (N, D), array
        A network, its parameters and one task's examples; Y as net.loss takes it.
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
    gradient = (lambda t: net.gradient(t, X, Y)) if claimed is None else claimed
    name, f = "loss → gradient", lambda t: net.loss(t, X, Y)
    return gradcheck(f, gradient, theta, blocks=net.blocks, quantity=name)


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
    net, theta, X, Y : Network, array (P,), array (N, D), array
        As for `check_gradient`.
    v : array (P,), optional
        The direction; random if left out.
    claimed : array (P,) or callable, optional
        Checked in place of `hvp`: H v, or a function of (θ, v).

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
    check_vector("theta", theta, net.n_params)
    v = direction_at(theta, None if v is None else check_vector("v", v, net.n_params))
    if claimed is None:
        claimed = lambda t, v: hessian_times_vector(net, t, X, Y, v)  # noqa: E731
    product = (lambda t: claimed(t, v)) if callable(claimed) else claimed
    name, along = "gradient → H v", lambda t: net.gradient(t, X, Y) @ v
    return gradcheck(along, product, theta, blocks=net.blocks, quantity=name)


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
    net, theta, alpha, batch, steps : Network, array, array or number, TaskBatch, int
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
    right = meta_gradient(net, theta, alpha, batch, steps)  # checks the arguments
    alpha = check_alpha(net, alpha, np.asarray(theta))
    pair = inputs.check_point(theta, "theta"), inputs.check_point(alpha, "alpha")
    x = np.concatenate(pair)  # (2P,)

    def meta_loss(x):
        theta, alpha = np.split(x, 2)
        theta_J = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)[-1]
        return net.loss(theta_J, batch.X_q, batch.Y_q).mean()

    claim = inputs.check_pair(right if claimed is None else claimed, theta)  # (2P,)
    report, true = check_slopes(meta_loss, x, claim, meta_parts(net))
    wrong = {int("α" in row.quantity) for row in report.wrong if row.where}
    problem = net, *pair, batch, steps
    pairs = np.split(claim, 2), np.split(true, 2)
    named = name_mistakes(problem, *pairs, wrong) if wrong else ()
    return Report(report.rows, named or report.causes)


def meta_parts(net):
    """The blocks of θ, then of α, as indices into the two end to end (2P,)."""
    of_theta = inputs.parts_of(net.blocks, net.n_params, "meta-loss → dθ")
    of_alpha = inputs.parts_of(net.blocks, net.n_params, "meta-loss → dα")
    return of_theta | {name: index + net.n_params for name, index in of_alpha.items()}


def random_direction(size, seed):
    """A vector (P,) of random signs and sizes between 1/2 and 1."""
    rng = np.random.default_rng(seed)
    return rng.choice([-1, 1], size) * rng.uniform(0.5, 1, size)


def direction_at(point, v=None):
    """The direction v (P,), random if None, in the point's float type."""
    v = random_direction(len(point), seed=1) if v is None else v
    single = np.asarray(point).dtype == np.float32
    return inputs.check_point(v, "v").astype(np.float32 if single else np.float64)


def check_slopes(function, x, claim, parts):
    """(Report, numerical gradient (P,)) of a claimed gradient of a function at x (P,).

    parts : {(quantity, block): indices}
    """
    f, unit = inputs.check_scalar(function, x), np.maximum(1, np.abs(x))  # (P,)
    across = Line(f, x, random_direction(x.size, seed=0) * unit)
    noise, size = noise_and_size(across)
    scale = np.maximum(FLOOR * size / unit, TINY)  # (P,)
    for index in parts.values():
        scale[index] = np.maximum(scale[index], np.abs(claim[index]).max())
    single = claim.dtype == np.float32
    entries = [
        Entry(float(claim[i]), scale[i], single, Line(f, x, axis, unit[i], noise))
        for i, axis in enumerate(np.eye(x.size))
    ]
    columns = {
        COMPLEX: [entry.by_complex for entry in entries],
        CENTRAL: [entry.by_values for entry in entries],
    }
    rows = [
        block_row(*part, method, claim, scale, verdicts)
        for part in parts.items()
        for method, verdicts in columns.items()
    ]
    true = np.array([slope for _, slope, _ in columns[COMPLEX]])
    causes = find_causes(claim, true, x, parts, rows)
    slope, size = claim @ across.direction, np.abs(claim) @ np.abs(across.direction)
    entry = Entry(float(slope), size or TINY, single, replace(across, noise=noise))
    return Report((*rows, taylor_row(parts, entry, rows)), causes), true
