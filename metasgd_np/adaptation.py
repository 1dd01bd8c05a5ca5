"""Adapting to a task, and the exact derivative of the loss after adapting.

Inner loop, forwards, J steps on the support set from θ_0 = θ:

    θ_{j+1} = θ_j − α ∘ g_j,   g_j = ∇L_s(θ_j)                          (5.1)

The objective is the query loss after the last step, L_q(θ_J). Let λ_j = ∂L_q(θ_J)/∂θ_j.
It starts as the query gradient, and the chain rule carries it back through (5.1), whose
derivative in θ_j is I − diag(α) ∇²L_s(θ_j); transposed (the Hessian is symmetric):

    λ_J = ∇L_q(θ_J)                                                     (5.2)
    λ_j = λ_{j+1} − ∇²L_s(θ_j) (α ∘ λ_{j+1})  for j = J−1, …, 0         (5.3)
    dθ  = λ_0                                                           (5.4)

α enters (5.1) once per step, each entry multiplied by its own entry of g_j:

    dα  = − Σ_j g_j ∘ λ_{j+1}                                           (6.1)

and both are averaged over the tasks. Order 1 leaves out the Hessian in (5.3): λ stays
∇L_q(θ_J), which makes dθ approximate, and dα too if J > 1.

Sources: MAML, arXiv:1703.03400, for (5.1)–(5.4); Meta-SGD, arXiv:1707.09835, for (6.1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .checks import as_array, whole_number
from .interface import Network
from .net_checks import (
    check_batch,
    check_exact,
    check_examples,
    check_net,
    check_order,
    check_vector,
    task_axes,
)

# Size of one (tasks, N, H) or (tasks, P) array: a dozen of them roughly fit the caches.
CHUNK_BYTES = 2**19

# The C library returns freed memory to the system after every large array and fetches
# it again for the next one. Freeing one block of 16 MB makes it keep that much,
# which makes a training iteration of 25 to 100 tasks two to three times faster (glibc).
np.empty(2**24, dtype=np.uint8)


@dataclass(frozen=True)
class MetaGradient:
    """The mean query loss after adapting, and its derivatives.

    Parameters
    ----------
    loss : float
        Mean over the tasks of L_q(θ_J).
    d_theta : (P,) array
        Its derivative in θ, equation (5.4).
    d_alpha : (P,) array
        Its derivative in α, equation (6.1).

    Examples
    --------
    >>> MetaGradient(0.5, np.zeros(25), np.zeros(25)).d_alpha.shape
    (25,)
    """

    loss: float
    d_theta: np.ndarray
    d_alpha: np.ndarray


def adapt(
    net: Network,
    theta: ArrayLike,
    alpha: ArrayLike,
    X_s: ArrayLike,
    Y_s: ArrayLike,
    steps: int = 1,
) -> np.ndarray:
    """Take J steps (5.1) on a support set and return θ_0, …, θ_J.

    Parameters
    ----------
    net : TwoLayerNet, DeepNet or GaussianPolicy
        The network.
    theta : (P,) or (T, P) array_like
        Where the steps start.
    alpha : float, (P,) or (T, P) array_like
        Step sizes.
    X_s : (N, D) or (T, N, D) array_like
        Support inputs of one task or of T tasks.
    Y_s : (N, O) or (T, N, O) array_like
        Support targets; for softmax cross-entropy labels, (N,) or (T, N).
    steps : int, default 1
        J, 0 or more.

    Returns
    -------
    (J+1, P) or (J+1, T, P) array
        The trajectory θ_0, …, θ_J.

    Raises
    ------
    ValueError
        If an argument does not fit the network or holds NaN.

    Examples
    --------
    >>> from metasgd_np import TwoLayerNet
    >>> net = TwoLayerNet(1, 1, 1, activation="identity")
    >>> adapt(net, [1.0, 0.0, 2.0, 0.0], 0.25, [[1.0]], [[0.0]]).tolist()
    [[1.0, 0.0, 2.0, 0.0], [-1.0, -2.0, 1.0, -1.0]]
    """
    steps = whole_number("steps", steps, 0)
    theta, X_s, Y_s = check_examples(net, theta, X_s, Y_s)
    alpha = check_alpha(net, alpha, theta)
    tasks = task_axes(net, theta, X_s, Y_s, alpha=alpha)
    check_exact(net, alpha)
    thetas, _ = inner_loop(net, theta, alpha, X_s, Y_s, steps)
    shape = (*tasks, net.n_params)
    return np.stack([np.broadcast_to(theta, shape) for theta in thetas])


def inner_loop(net, theta, alpha, X_s, Y_s, steps):
    """Return θ_0, …, θ_J and the J passes at θ_0, …, θ_{J−1}; nothing is checked."""
    thetas, passes = [theta], []
    for _ in range(steps):
        passes.append(net.backward_pass(thetas[-1], X_s, Y_s))
        step = alpha * passes[-1].gradient  # (T, P), whose memory the result takes
        thetas.append(np.subtract(thetas[-1], step, out=step))  # (T, P) (5.1)
    return thetas, passes


def meta_gradient(
    net: Network,
    theta: ArrayLike,
    alpha: ArrayLike,
    batch: Any,
    steps: int = 1,
    order: int = 2,
) -> MetaGradient:
    """Differentiate the mean query loss after J steps in θ and in α.

    A large batch is processed in chunks whose arrays fit the processor's caches.

    Parameters
    ----------
    net : TwoLayerNet, DeepNet or GaussianPolicy
        The network.
    theta : (P,) array_like
        Where every task starts.
    alpha : float or (P,) array_like
        Step sizes, shared by the tasks.
    batch : TaskBatch
        T tasks.
    steps : int, default 1
        J, 0 or more.
    order : {2, 1}
        2 for the exact derivatives, 1 to leave out the curvature.

    Returns
    -------
    MetaGradient
        The mean query loss, dθ (P,) and dα (P,).

    Raises
    ------
    ValueError
        If an argument does not fit the network or holds NaN.

    Examples
    --------
    >>> from metasgd_np import Sinusoids, TwoLayerNet
    >>> rng = np.random.default_rng(0)
    >>> net, batch = TwoLayerNet(1, 8, 1), Sinusoids().sample(rng, n_tasks=4, shots=5)
    >>> mg = meta_gradient(net, net.init(rng), 0.01, batch)
    >>> mg.d_theta.shape, mg.d_alpha.shape
    ((25,), (25,))
    """
    theta, alpha = check_meta_call(net, theta, alpha, batch)
    steps = whole_number("steps", steps, 0)
    check_order(order)
    return unchecked_meta_gradient(net, theta, alpha, batch, steps, order)


def unchecked_meta_gradient(net, theta, alpha, batch, steps, order):
    """Compute what `meta_gradient` returns, from arguments known to be valid."""
    loss, d_theta, d_alpha = 0, 0, 0
    for chunk in chunks(batch, net, theta.itemsize):
        thetas, passes = inner_loop(net, theta, alpha, chunk.X_s, chunk.Y_s, steps)
        query = net.backward_pass(thetas[-1], chunk.X_q, chunk.Y_q)
        loss = loss + net.loss_function.value(query.F, query.Y).sum()
        sums = chain_back(net, passes, alpha, query.gradient, order)  # (5.2)
        d_theta += sums[0]  # (P,) (5.4)
        d_alpha += sums[1]  # (P,) (6.1)
    n_tasks = len(batch)
    return MetaGradient(loss / n_tasks, d_theta / n_tasks, d_alpha / n_tasks)


def check_meta_call(net, theta, alpha, batch):
    """Return θ and α, each (P,), or raise unless they and the batch fit `net`."""
    check_net(net)
    theta = check_vector("theta", theta, net.n_params)
    alpha = check_alpha(net, alpha, theta)
    if theta.ndim != 1 or alpha.ndim != 1:
        raise ValueError(
            f"theta has shape {theta.shape} and alpha {alpha.shape}, but a batch takes "
            "one theta (P,) and one alpha (P,) for all tasks; pass theta[0]?"
        )
    check_batch(net, batch)
    check_exact(net, theta, alpha, batch.X_s, batch.Y_s, batch.X_q, batch.Y_q)
    return theta, alpha


def chain_back(net, passes, alpha, lam, order=2):
    """Carry λ_J (T, P) back through the steps; return λ_0 and dα summed over tasks."""
    d_alpha = np.zeros_like(lam[0])  # (P,)
    for step in reversed(passes):
        d_alpha -= (step.gradient * lam).sum(0)  # (P,) (6.1)
        if order == 2:
            hv = net.tangent_pass(step, alpha * lam).hv  # (T, P)
            lam = np.subtract(lam, hv, out=hv)  # (T, P) (5.3)
    return lam.sum(0), d_alpha


def chunks(batch, net: Network, itemsize: int) -> Iterator:
    """Yield a TaskBatch in slices whose largest array fits in CHUNK_BYTES."""
    n_examples = max(batch.X_s.shape[1], batch.X_q.shape[1])
    size = chunk_length(net, n_examples, itemsize)
    for i in range(0, len(batch), size):
        yield batch[i : i + size]


def chunk_length(net, n_examples, itemsize):
    """Return how many tasks fit in CHUNK_BYTES at a time, at least one."""
    numbers = max(n_examples * net.n_hidden, net.n_params)  # in a task's largest array
    return max(1, CHUNK_BYTES // (numbers * itemsize))


def check_alpha(net, alpha, theta):
    """Return α as an array (P,) or (T, P); a single number is repeated P times."""
    if isinstance(alpha, int | float | complex) and not isinstance(alpha, bool):
        alpha = np.full(net.n_params, alpha, np.result_type(theta.dtype, alpha))
    elif as_array("alpha", alpha).ndim == 0:
        alpha = np.full(net.n_params, as_array("alpha", alpha))
    return check_vector("alpha", alpha, net.n_params, like=theta)
