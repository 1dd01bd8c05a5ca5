"""The catalogue of mistakes: known wrong meta-gradients, each written once.

Every mistake computes its wrong value from the same inputs as the right code, so that
an answer can be traced to the mistake behind it, a checker can be shown to catch it,
and a notebook can show its effect.

    CATALOGUE[7].meta_gradient(net, theta, alpha, batch, steps)   # wrong (dθ, dα)
    CATALOGUE[7].variants[0].work(net, theta, alpha, batch)       # wrong sheet lines

A mistake can be made in more than one way: its variants. On a worksheet a variant is a
few lines written wrongly, {} standing for the right expression; it has none if one
inner step cannot show it.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np

from ..adaptation import inner_loop, meta_gradient
from ..losses import log_softmax
from ..network import TwoLayerNet
from ..tasks import TaskBatch
from .lines import evaluate, given_values, layout, recompute, work


@dataclass(frozen=True)
class Variant:
    """One way to make a mistake.

    phrase          what the wrong value is, to be put after "it may be"
    meta_gradient   (net, theta, alpha, batch, steps) → wrong dθ (P,) and dα (P,)
    lines           {symbol: wrong expression} on a sheet; # stands for 1 and for 2
    loss            the only loss with which it can be made, if any
    """

    phrase: str
    meta_gradient: Callable
    lines: dict = field(default_factory=dict)
    loss: str | None = None

    def altered(self, net):
        """{symbol: wrong expression} for the sheets of `net`."""
        lines = layout(net.activation_name, net.loss_name)
        right = {symbol: expression for *_, symbol, expression in lines}
        both = {
            symbol.replace("#", i): wrong.replace("#", i)
            for symbol, wrong in self.lines.items()
            for i in "12"
        }
        return {
            s: wrong.replace("{}", f"({right.get(s)})") for s, wrong in both.items()
        }

    def work(self, net, theta, alpha, batch):
        """Every value of a sheet on which the mistake was made, {symbol: array}."""
        values = work(net, given_values(net, theta, alpha, batch))
        return values | recompute(net, values, self.altered(net))


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


def altered_net(phrase, alter, lines, loss=None):
    """The Variant that runs the right code on `alter(net)`, an altered copy."""
    return Variant(
        phrase,
        lambda net, *rest: result(meta_gradient(alter(net), *rest)),
        lines,
        loss,
    )


def altered_alpha(phrase, wrong):
    """The Variant whose dα is wrong: an expression in g = dW#_s and λ = dW#_q."""

    def wrong_meta_gradient(net, theta, alpha, batch, steps):
        thetas, passes = inner_loop(net, theta, alpha, batch.X_s, batch.Y_s, steps)
        right = meta_gradient(net, theta, alpha, batch, steps)
        values = {"dW_s": passes[0].gradient.mean(0)}
        values["dW_q"] = query_gradient(net, thetas[-1], batch).mean(0)
        values |= {"dtheta": right.d_theta, "dalpha": right.d_alpha}
        expression = wrong.replace("{}", "dalpha#").replace("#", "")
        return right.d_theta, evaluate(expression, values)

    return Variant(phrase, wrong_meta_gradient, {"dalpha#": wrong})


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


def first_step_alpha(net, theta, alpha, batch, steps):
    """Mistake 5: −g∘g′ for more than one step."""
    thetas, passes = inner_loop(net, theta, alpha, batch.X_s, batch.Y_s, steps)
    lam = query_gradient(net, thetas[-1], batch)
    d_theta = meta_gradient(net, theta, alpha, batch, steps).d_theta
    return d_theta, -(passes[0].gradient * lam).mean(0)


def one_alpha(net, theta, alpha, batch, steps):
    """Mistake 10: one scalar α."""
    right = meta_gradient(net, theta, alpha, batch, steps)
    return right.d_theta, np.full_like(right.d_alpha, right.d_alpha.sum())


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


def entry(number, name, goes_wrong, seen, *variants):
    """A Mistake with its variants."""
    return Mistake(number, name, goes_wrong, seen, variants)


ENTRIES = (
    entry(
        1,
        "α is given θ's gradient",
        "α is updated with a gradient of θ; dα = −g∘λ needs the support gradient g too",
        "a book's listing and programs that follow it",
        altered_alpha("dθ: α was given θ's gradient", "dtheta#"),
        altered_alpha("g′, the query gradient λ: α was given θ's gradient", "dW#_q"),
        altered_alpha("−g′: α was given θ's gradient", "-dW#_q"),
    ),
    entry(
        2,
        "the curvature is dropped",
        "λ is not carried back through the steps: first order under the name of second",
        "programs that keep no graph of the inner gradient",
        Variant(
            "λ without − H(α∘λ): the curvature was dropped",
            lambda net, theta, alpha, batch, steps: result(
                meta_gradient(net, theta, alpha, batch, steps, order=1)
            ),
            {"dtheta#": "dW#_q"},
        ),
    ),
    entry(
        3,
        "the sign of dα is flipped",
        "θ′ = θ − α∘g has a minus, so dα = −g∘λ; +g∘λ makes α climb",
        "a library whose tests pass all the same",
        altered_alpha("+g∘λ: the sign of dα is flipped", "-{}"),
    ),
    entry(
        4,
        "α∘(Hλ) for H(α∘λ)",
        "α scales λ before the Hessian, not after: the transpose of I − diag(α) H",
        "derivations that treat α as one number",
        Variant(
            "made with α∘(Hλ) in place of H(α∘λ)",
            alpha_outside,
            {"V#": "dW#_q", "dtheta#": "dW#_q - alpha# * dW#_dot"},
        ),
    ),
    entry(
        5,
        "−g∘g′ is used for more than one step",
        "with J steps dα is a sum over the steps, each with its own g and λ",
        "code that grew from one inner step to several",
        Variant("−g∘g′ with the first step's g only", first_step_alpha),
    ),
    entry(
        6,
        "each inner step starts again from θ",
        "θ_{j+1} = θ − α∘g_j forgets the steps before; it must start from θ_j",
        "a program with 2 or 3 inner steps",
        Variant("made with every step starting at θ", restarted),
    ),
    entry(
        7,
        "φ″ is left out",
        "the derivative of φ′(Z1) is missing from dZ1_dot; harmless for relu only",
        "the second derivative of a layer library",
        altered_net(
            "made without φ″ in the Hessian-vector product",
            lambda net: with_phi(net, curvature=lambda Z, H, phi1: np.zeros_like(Z)),
            {"phi2": "like(Z1_s, 0)"},
        ),
    ),
    entry(
        8,
        "the loss's 2 or 1/N is forgotten",
        "the mean of squares has the slope (2/N)(F − Y)",
        "gradients derived for one example, or for half the squared error",
        altered_net(
            "made without the 2 of the squared error",
            scaled_loss(lambda A, N: A / 2),
            {"dF_s": "{} / 2", "dF_q": "{} / 2", "dF_dot": "{} / 2"},
            "squared_error",
        ),
        altered_net(
            "made without the 1/N of the mean",
            scaled_loss(lambda A, N: A * N),
            {"dF_s": "{} * N_s", "dF_q": "{} * N_q", "dF_dot": "{} * N_s"},
        ),
    ),
    entry(
        9,
        "a weight gradient is transposed or broadcast",
        "the numbers are poured into the wrong places, and NumPy says nothing",
        "a NumPy program in which a (40, 1) gradient met a (40, 40) weight",
        altered_net(
            "made with a transposed weight gradient",
            lambda net: with_gradient(net, transposed),
            {"dW#_s": "poured({})", "dW#_q": "poured({})"},
        ),
        altered_net(
            "made with one column broadcast over the weight gradient",
            lambda net: with_gradient(net, broadcast),
            {"dW#_s": "spread({})", "dW#_q": "spread({})"},
        ),
    ),
    entry(
        10,
        "one scalar α for all",
        "all entries of α share one gradient, the sum of dα",
        "a program in another framework",
        Variant(
            "the sum of dα in every entry: one scalar α for all",
            one_alpha,
            {"dalpha#": "like(W#, -sum(dW1_s * dW1_q) - sum(dW2_s * dW2_q))"},
        ),
    ),
    entry(
        11,
        "the query gradient is taken at θ",
        "λ must be taken where the inner step led, at θ′",
        "code that reuses the network before its weights were changed",
        Variant(
            "made with the query gradient at θ, not θ′",
            query_at_theta,
            {
                "Z1_q": "X1_q @ W1",
                "F_q": "H1_1_q @ W2",
                "dH1_q": "dF_q @ bar(W2).T",
            },
        ),
    ),
    entry(
        12,
        "support and query are mixed up",
        "the step is taken on the query set and judged on the support set",
        "functions that take four unnamed arrays",
        Variant(
            "made with support and query mixed up",
            lambda net, theta, alpha, batch, steps: result(
                meta_gradient(net, theta, alpha, swapped(batch), steps)
            ),
            {A + "_" + b: A + "_" + c for A in "XYN" for b, c in ("sq", "qs")},
        ),
    ),
    entry(
        13,
        "the bias gradient is averaged",
        "the 1/N is in dF already; a bias gradient sums over the examples",
        "backward passes that call mean where the chain rule says sum",
        altered_net(
            "made with a bias gradient averaged instead of summed",
            lambda net: with_gradient(net, averaged_biases),
            {f"dW#_{w}": f"over(bar({{}}), bias({{}}) / N_{w})" for w in "sq"},
        ),
    ),
    entry(
        14,
        "softmax curvature without its rank-one term",
        "p∘F_dot lacks − p (p·F_dot): raising all logits together must change nothing",
        "code carried over from the sigmoid",
        altered_net(
            "made without the rank-one term of the softmax curvature",
            lambda net: with_loss(net, curvature=softmax_diagonal),
            {"dF_dot": "1 / N_s * softmax(F_s) * F_dot"},
            "softmax_cross_entropy",
        ),
    ),
    entry(
        15,
        "resumed without α in the optimiser",
        "after a restart only θ is handed to the optimiser, so α never moves again",
        "a program that resumes from its own checkpoint",
        Variant(
            "zero: α gets no gradient",
            lambda net, theta, alpha, batch, steps: (
                meta_gradient(net, theta, alpha, batch, steps).d_theta,
                np.zeros_like(theta),
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
