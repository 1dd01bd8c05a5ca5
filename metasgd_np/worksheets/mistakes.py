"""The catalogue of mistakes: known wrong meta-gradients, each written once.

Every mistake computes its wrong value from the same inputs as the right code, so that
an answer can be traced to the mistake behind it, a checker can be shown to catch it,
and a notebook can show its effect.

    CATALOGUE[7].meta_gradient(net, theta, alpha, batch, steps)   # wrong (dθ, dα)
    CATALOGUE[7].variants[0].work(net, theta, alpha, batch)       # wrong sheet lines

A mistake can be made in more than one way: its variants. `work` is None for a
mistake that a worksheet of one inner step cannot show.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from ..adaptation import inner_loop, meta_gradient
from ..losses import log_softmax
from ..network import TwoLayerNet
from ..tasks import TaskBatch


@dataclass(frozen=True)
class Variant:
    """One way to make a mistake.

    phrase          what the wrong value is, to be put after "this is"
    meta_gradient   (net, theta, alpha, batch, steps) → wrong dθ (P,) and dα (P,)
    work            (net, theta, alpha, batch) → {symbol: wrong value}, see `work`
    loss            the only loss with which it can be made, if any
    """

    phrase: str
    meta_gradient: Callable
    work: Callable | None = None
    loss: str | None = None


@dataclass(frozen=True)
class Mistake:
    """An entry of the catalogue; the first variant is the one seen in practice."""

    number: int
    name: str
    goes_wrong: str
    seen: str
    variants: tuple

    @property
    def loss(self):
        """The name of a loss that shows the mistake."""
        return self.variants[0].loss or "squared_error"

    def meta_gradient(self, net, theta, alpha, batch, steps=1):
        """The wrong dθ (P,) and dα (P,) of the first variant."""
        return self.variants[0].meta_gradient(net, theta, alpha, batch, steps)


def work(net, theta, alpha, batch, query_at=None, direction=None):
    """Every value of one inner step on one task, in the order of working by hand.

    `query_at` (θ′ if left out) is where the query gradient is taken, `direction`
    (α∘λ if left out) what the Hessian is multiplied by: two places to go wrong.
    Returns {symbol: array}, the task axis dropped.
    """
    alpha = alpha[None]  # (1, P)
    X_s, Y_s, X_q, Y_q = batch.X_s, batch.Y_s, batch.X_q, batch.Y_q
    theta = theta[None]  # (1, P)
    s = net.backward_pass(theta, X_s, Y_s)
    theta_prime = theta - alpha * s.gradient  # (5.1)
    q = net.backward_pass(theta_prime if query_at is None else query_at, X_q, Y_q)
    lam = q.gradient  # (5.2)
    v = alpha * lam if direction is None else direction(alpha, lam)
    t = net.tangent_pass(s, v)
    pairs = {
        "W_prime": theta_prime,
        "V": v,
        "dW_dot": t.hv,
        "dtheta": lam - t.hv,  # (5.3), (5.4)
        "dalpha": -s.gradient * lam,  # (6.1)
    }
    lines = {**one_pass(net, s, "s"), **one_pass(net, q, "q")}
    lines |= {name: getattr(t, name) for name in t._fields if name != "hv"}
    for name, vector in pairs.items():
        start, _, end = name.partition("_")
        for i, matrix in enumerate(net.unpack(vector), start=1):
            lines[f"{start}{i}{_}{end}"] = matrix
    return {symbol: np.asarray(value)[0] for symbol, value in lines.items()}


def one_pass(net, p, which):
    """The lines of one forward and backward pass; `which` is "s" or "q"."""
    dW1, dW2 = net.unpack(p.gradient)
    values = {"X1": p.X1, "Z1": p.Z1, "H1": p.H1, "H1_1": p.H1_1, "F": p.F}
    values["L"] = net.loss_function.value(p.F, p.Y)
    values |= {"dF": p.dF, "dW2": dW2, "dH1": p.dH1, "phi1": p.phi1}
    values |= {"dZ1": p.dH1 * p.phi1, "dW1": dW1}
    return {f"{symbol}_{which}": value for symbol, value in values.items()}


def altered_net(phrase, alter, loss=None):
    """The Variant that runs the right code on `alter(net)`, an altered copy."""
    return Variant(
        phrase,
        lambda net, *rest: result(meta_gradient(alter(net), *rest)),
        lambda net, *rest: work(alter(net), *rest),
        loss,
    )


def altered_result(phrase, change):
    """The Variant whose dθ, dα are `change(dθ, dα, g, λ)` of the right values."""

    def wrong_meta_gradient(net, theta, alpha, batch, steps):
        thetas, passes = inner_loop(net, theta, alpha, batch.X_s, batch.Y_s, steps)
        g = passes[0].gradient.mean(0)
        lam = query_gradient(net, thetas[-1], batch).mean(0)
        right = meta_gradient(net, theta, alpha, batch, steps)
        return change(right.d_theta, right.d_alpha, g, lam)

    def wrong_work(net, theta, alpha, batch):
        lines = work(net, theta, alpha, batch)

        def vector(name):
            return net.pack(*(lines[name.replace("#", i)] for i in "12"))

        d_theta, d_alpha = change(
            *(vector(name) for name in ("dtheta#", "dalpha#", "dW#_s", "dW#_q"))
        )
        lines["dtheta1"], lines["dtheta2"] = net.unpack(d_theta)
        lines["dalpha1"], lines["dalpha2"] = net.unpack(d_alpha)
        return lines

    return Variant(phrase, wrong_meta_gradient, wrong_work)


def result(mg):
    """(dθ, dα) of a MetaGradient."""
    return mg.d_theta, mg.d_alpha


def query_gradient(net, theta, batch):
    """∇L_q(θ) of each task, (T, P)."""
    return net.backward_pass(theta, batch.X_q, batch.Y_q).gradient


def walk_back(passes, lam, curvature):
    """(6.1) and (5.3), with `curvature(step, λ)` in place of H_s (α∘λ)."""
    d_alpha = np.zeros_like(lam)  # (T, P)
    for step in reversed(passes):
        d_alpha = d_alpha - step.gradient * lam
        lam = lam - curvature(step, lam)
    return lam.mean(0), d_alpha.mean(0)


def alpha_outside(net, theta, alpha, batch, steps):
    """Mistake 4: α∘(Hλ) for H(α∘λ)."""
    thetas, passes = inner_loop(net, theta, alpha, batch.X_s, batch.Y_s, steps)
    lam = query_gradient(net, thetas[-1], batch)
    return walk_back(
        passes, lam, lambda step, lam: alpha * net.tangent_pass(step, lam).hv
    )


def alpha_outside_work(net, theta, alpha, batch):
    """Mistake 4 on the lines of a sheet."""
    lines = work(net, theta, alpha, batch, direction=lambda alpha, lam: lam)
    alphas = net.unpack(alpha)
    for i in (1, 2):
        lines[f"dtheta{i}"] = lines[f"dW{i}_q"] - alphas[i - 1] * lines[f"dW{i}_dot"]
    return lines


def first_step_alpha(net, theta, alpha, batch, steps):
    """Mistake 5: −g∘g′ for more than one step."""
    thetas, passes = inner_loop(net, theta, alpha, batch.X_s, batch.Y_s, steps)
    lam = query_gradient(net, thetas[-1], batch)
    d_theta = meta_gradient(net, theta, alpha, batch, steps).d_theta
    return d_theta, -(passes[0].gradient * lam).mean(0)


def restarted(net, theta, alpha, batch, steps):
    """Mistake 6: each step starts again at θ."""
    at, passes = theta, []
    for _ in range(steps):
        passes.append(net.backward_pass(at, batch.X_s, batch.Y_s))
        at = theta - alpha * passes[-1].gradient
    lam = query_gradient(net, at, batch)
    last = passes[-1]
    d_alpha = -last.gradient * lam
    d_theta = lam - net.tangent_pass(last, alpha * lam).hv
    return d_theta.mean(0), d_alpha.mean(0)


def query_at_theta(net, theta, alpha, batch, steps):
    """Mistake 11: the query gradient taken at θ."""
    _, passes = inner_loop(net, theta, alpha, batch.X_s, batch.Y_s, steps)
    lam = query_gradient(net, theta, batch)
    return walk_back(
        passes, lam, lambda step, lam: net.tangent_pass(step, alpha * lam).hv
    )


def swapped(batch):
    """Mistake 12: support and query mixed up."""
    return TaskBatch(batch.X_q, batch.Y_q, batch.X_s, batch.Y_s)


def with_phi(net, **changes):
    """A copy of `net` whose activation is changed."""
    changed = copy(net)
    changed.phi = replace(net.phi, **changes)
    return changed


def with_loss(net, **changes):
    """A copy of `net` whose loss is changed."""
    changed = copy(net)
    changed.loss_function = replace(net.loss_function, **changes)
    return changed


class WrongGradient(TwoLayerNet):
    """A network whose weight gradients pass through `spoil(p, dW1, dW2)`."""

    def backward_pass(self, theta, X, Y):
        """Compute both passes, then spoil the gradients of the weights."""
        p = super().backward_pass(theta, X, Y)
        spoilt = self.spoil(p, *self.unpack(p.gradient))
        return p._replace(gradient=self.pack(*spoilt))


def with_gradient(net, spoil):
    """A copy of `net` whose weight gradients are spoilt."""
    changed = copy(net)
    changed.__class__ = WrongGradient
    changed.spoil = spoil
    return changed


def transposed(p, dW1, dW2):
    """The entries of dW1ᵀ reshaped to the shape of dW1, and dW2 likewise."""
    return dW1.mT.reshape(dW1.shape), dW2.mT.reshape(dW2.shape)


def broadcast(p, dW1, dW2):
    """One column, summed over the units, broadcast to all of them."""
    return tuple(
        np.broadcast_to(dW.sum(-1, keepdims=True), dW.shape) for dW in (dW1, dW2)
    )


def averaged_biases(p, dW1, dW2):
    """The last row of each divided by N."""
    spoilt = dW1.copy(), dW2.copy()
    for dW in spoilt:
        dW[..., -1, :] = dW[..., -1, :] / p.F.shape[-2]
    return spoilt


def scaled_loss(scale):
    """An alteration of networks: slope and curvature pass through `scale(array, N)`."""

    def alter(net):
        right = net.loss_function

        def slope(F, Y):
            return scale(right.slope(F, Y), F.shape[-2])

        def curvature(F, Y, F_dot):
            return scale(right.curvature(F, Y, F_dot), F.shape[-2])

        return with_loss(net, slope=slope, curvature=curvature)

    return alter


def softmax_diagonal(F, Y, F_dot):
    """p∘F_dot / N: (8.6) without − p (p·F_dot)."""
    return np.exp(log_softmax(F)) * F_dot / F.shape[-2]


ENTRIES = (
    Mistake(
        1,
        "α is given θ's gradient",
        "α is updated with a gradient of θ; dα = −g∘λ needs the support gradient g too",
        "a book's listing and programs that follow it",
        (
            altered_result(
                "dθ: α was given θ's gradient",
                lambda d_theta, d_alpha, g, lam: (d_theta, d_theta),
            ),
            altered_result(
                "g′, the query gradient λ: α was given θ's gradient",
                lambda d_theta, d_alpha, g, lam: (d_theta, lam),
            ),
            altered_result(
                "−g′: α was given θ's gradient",
                lambda d_theta, d_alpha, g, lam: (d_theta, -lam),
            ),
        ),
    ),
    Mistake(
        2,
        "the curvature is dropped",
        "λ is not carried back through the steps: first order under the name of second",
        "programs that keep no graph of the inner gradient",
        (
            Variant(
                "λ without − H(α∘λ): the curvature was dropped",
                lambda net, theta, alpha, batch, steps: result(
                    meta_gradient(net, theta, alpha, batch, steps, order=1)
                ),
                altered_result(
                    "", lambda d_theta, d_alpha, g, lam: (lam, d_alpha)
                ).work,
            ),
        ),
    ),
    Mistake(
        3,
        "the sign of dα is flipped",
        "θ′ = θ − α∘g has a minus, so dα = −g∘λ; +g∘λ makes α climb",
        "a library whose tests pass all the same",
        (
            altered_result(
                "+g∘λ: the sign of dα is flipped",
                lambda d_theta, d_alpha, g, lam: (d_theta, -d_alpha),
            ),
        ),
    ),
    Mistake(
        4,
        "α∘(Hλ) for H(α∘λ)",
        "α scales λ before the Hessian, not after: the transpose of I − diag(α) H",
        "derivations that treat α as one number",
        (
            Variant(
                "made with α∘(Hλ) in place of H(α∘λ)",
                alpha_outside,
                alpha_outside_work,
            ),
        ),
    ),
    Mistake(
        5,
        "−g∘g′ is used for more than one step",
        "with J steps dα is a sum over the steps, each with its own g and λ",
        "code that grew from one inner step to several",
        (Variant("−g∘g′ with the first step's g only", first_step_alpha),),
    ),
    Mistake(
        6,
        "each inner step starts again from θ",
        "θ_{j+1} = θ − α∘g_j forgets the steps before; it must start from θ_j",
        "a program with 2 or 3 inner steps",
        (Variant("made with every step starting at θ", restarted),),
    ),
    Mistake(
        7,
        "φ″ is left out",
        "the derivative of φ′(Z1) is missing from dZ1_dot; harmless for relu only",
        "the second derivative of a layer library",
        (
            altered_net(
                "made without φ″ in the Hessian-vector product",
                lambda net: with_phi(
                    net, curvature=lambda Z, H, phi1: np.zeros_like(Z)
                ),
            ),
        ),
    ),
    Mistake(
        8,
        "the loss's 2 or 1/N is forgotten",
        "the mean of squares has the slope (2/N)(F − Y)",
        "gradients derived for one example, or for half the squared error",
        (
            altered_net(
                "made without the 2 of the squared error",
                scaled_loss(lambda A, N: A / 2),
                "squared_error",
            ),
            altered_net(
                "made without the 1/N of the mean", scaled_loss(lambda A, N: A * N)
            ),
        ),
    ),
    Mistake(
        9,
        "a weight gradient is transposed or broadcast",
        "the numbers are poured into the wrong places, and NumPy says nothing",
        "a NumPy program in which a (40, 1) gradient met a (40, 40) weight",
        (
            altered_net(
                "made with a transposed weight gradient",
                lambda net: with_gradient(net, transposed),
            ),
            altered_net(
                "made with one column broadcast over the weight gradient",
                lambda net: with_gradient(net, broadcast),
            ),
        ),
    ),
    Mistake(
        10,
        "one scalar α for all",
        "all entries of α share one gradient, the sum of dα",
        "a program in another framework",
        (
            altered_result(
                "the sum of dα in every entry: one scalar α for all",
                lambda d_theta, d_alpha, g, lam: (
                    d_theta,
                    np.full_like(d_alpha, d_alpha.sum()),
                ),
            ),
        ),
    ),
    Mistake(
        11,
        "the query gradient is taken at θ",
        "λ must be taken where the inner step led, at θ′",
        "code that reuses the network before its weights were changed",
        (
            Variant(
                "made with the query gradient at θ, not θ′",
                query_at_theta,
                lambda net, theta, alpha, batch: work(
                    net, theta, alpha, batch, query_at=theta[None]
                ),
            ),
        ),
    ),
    Mistake(
        12,
        "support and query are mixed up",
        "the step is taken on the query set and judged on the support set",
        "functions that take four unnamed arrays",
        (
            Variant(
                "made with support and query mixed up",
                lambda net, theta, alpha, batch, steps: result(
                    meta_gradient(net, theta, alpha, swapped(batch), steps)
                ),
                lambda net, theta, alpha, batch: work(
                    net, theta, alpha, swapped(batch)
                ),
            ),
        ),
    ),
    Mistake(
        13,
        "the bias gradient is averaged",
        "the 1/N is in dF already; a bias gradient sums over the examples",
        "backward passes that call mean where the chain rule says sum",
        (
            altered_net(
                "made with a bias gradient averaged instead of summed",
                lambda net: with_gradient(net, averaged_biases),
            ),
        ),
    ),
    Mistake(
        14,
        "softmax curvature without its rank-one term",
        "p∘F_dot lacks − p (p·F_dot): raising all logits together must change nothing",
        "code carried over from the sigmoid",
        (
            altered_net(
                "made without the rank-one term of the softmax curvature",
                lambda net: with_loss(net, curvature=softmax_diagonal),
                "softmax_cross_entropy",
            ),
        ),
    ),
    Mistake(
        15,
        "resumed without α in the optimiser",
        "after a restart only θ is handed to the optimiser, so α never moves again",
        "a program that resumes from its own checkpoint",
        (
            Variant(
                "zero: α gets no gradient",
                lambda net, theta, alpha, batch, steps: (
                    meta_gradient(net, theta, alpha, batch, steps).d_theta,
                    np.zeros_like(theta),
                ),
            ),
        ),
    ),
)

CATALOGUE = {mistake.number: mistake for mistake in ENTRIES}


def standard_example(loss="squared_error"):
    """The problem on which every mistake shows: (net, θ, α, batch, steps).

    A 2-5-3 tanh network, weights of order 1, α about 0.3 in size with either sign,
    three inner steps, four tasks of 6 support and 7 query examples: no sizes equal.
    """
    rng = np.random.default_rng(7)
    net = TwoLayerNet(2, 5, 3, loss=loss)
    theta = rng.standard_normal(net.n_params)
    alpha = 0.3 * rng.standard_normal(net.n_params)
    sets = []
    for n_examples in (6, 7):
        sets.append(rng.standard_normal((4, n_examples, 2)))
        if loss == "softmax_cross_entropy":
            sets.append(rng.integers(3, size=(4, n_examples)))
        else:
            sets.append(rng.standard_normal((4, n_examples, 3)))
    return net, theta, alpha, TaskBatch(*sets), 3
