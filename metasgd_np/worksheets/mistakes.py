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


def altered_loss(phrase, wrong, loss=None):
    """The Variant whose dF and dF_dot are `wrong`, in A, the right ones, and N_s."""

    def spoil(right):
        def spoilt(F, *rest):
            return evaluate(wrong, {"A": right(F, *rest), "N_s": F.shape[-2]})

        return spoilt

    def alter(net):
        slope, curvature = net.loss_function.slope, net.loss_function.curvature
        return with_loss(net, slope=spoil(slope), curvature=spoil(curvature))

    lines = {f"dF_{w}": wrong.replace("A", "{}") for w in ("s", "q", "dot")}
    lines["dF_q"] = lines["dF_q"].replace("N_s", "N_q")
    return altered_net(phrase, alter, lines, loss)


def altered_gradient(phrase, wrong):
    """The Variant whose weight gradients are `wrong`, in A, a right one, and N_s."""

    def alter(net):
        changed = copy(net)
        changed.__class__ = WrongGradient
        changed.wrong = wrong
        return changed

    text = wrong.replace("A", "{}")
    lines = {"dW#_s": text, "dW#_q": text.replace("N_s", "N_q")}
    return altered_net(phrase, alter, lines)


class WrongGradient(TwoLayerNet):
    """A network whose weight gradients are replaced by the expression `wrong`."""

    def backward_pass(self, theta, X, Y):
        """Compute both passes, then spoil the gradients of the weights."""
        p = super().backward_pass(theta, X, Y)
        N = p.F.shape[-2]
        spoilt = (
            evaluate(self.wrong, {"A": dW, "N_s": N}) for dW in self.unpack(p.gradient)
        )
        return p._replace(gradient=self.pack(*spoilt))


def altered_alpha(phrase, wrong):
    """The Variant whose dα is wrong: an expression in λ = dW#_q, dtheta# and {}, dα."""

    def wrong_meta_gradient(net, theta, alpha, batch, steps):
        thetas, _ = inner_loop(net, theta, alpha, batch.X_s, batch.Y_s, steps)
        right = meta_gradient(net, theta, alpha, batch, steps)
        values = {"dW_q": query_gradient(net, thetas[-1], batch).mean(0)}
        values |= {"dtheta": right.d_theta, "dalpha": right.d_alpha}
        expression = wrong.replace("{}", "dalpha#").replace("#", "")
        return right.d_theta, evaluate(expression, values)

    return Variant(phrase, wrong_meta_gradient, {"dalpha#": wrong})


def altered_chain(phrase, curvature, lines, at=-1):
    """The Variant that carries λ, taken at step `at`, back by a wrong curvature.

    curvature : (net, step, alpha, λ) → what stands in place of H_s (α∘λ) in (5.3)
    """

    def wrong_meta_gradient(net, theta, alpha, batch, steps):
        thetas, passes = inner_loop(net, theta, alpha, batch.X_s, batch.Y_s, steps)
        lam = query_gradient(net, thetas[at], batch)
        d_alpha = np.zeros_like(lam)  # (T, P)
        for step in reversed(passes):
            d_alpha = d_alpha - step.gradient * lam
            lam = lam - curvature(net, step, alpha, lam)
        return lam.mean(0), d_alpha.mean(0)

    return Variant(phrase, wrong_meta_gradient, lines)


def result(mg):
    """(dθ, dα) of a MetaGradient."""
    return mg.d_theta, mg.d_alpha


def query_gradient(net, theta, batch):
    """∇L_q(θ) of each task, (T, P)."""
    return net.backward_pass(theta, batch.X_q, batch.Y_q).gradient


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
        altered_chain(
            "made with α∘(Hλ) in place of H(α∘λ)",
            lambda net, step, alpha, lam: alpha * net.tangent_pass(step, lam).hv,
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
        altered_loss(
            "made without the 2 of the squared error", "A / 2", "squared_error"
        ),
        altered_loss("made without the 1/N of the mean", "A * N_s"),
    ),
    entry(
        9,
        "a weight gradient is transposed or broadcast",
        "the numbers are poured into the wrong places, and NumPy says nothing",
        "a NumPy program in which a (40, 1) gradient met a (40, 40) weight",
        altered_gradient("made with a transposed weight gradient", "poured(A)"),
        altered_gradient(
            "made with one column broadcast over the weight gradient", "spread(A)"
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
        altered_chain(
            "made with the query gradient at θ, not θ′",
            lambda net, step, alpha, lam: net.tangent_pass(step, alpha * lam).hv,
            {"Z1_q": "X1_q @ W1", "F_q": "H1_1_q @ W2", "dH1_q": "dF_q @ bar(W2).T"},
            at=0,
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
        altered_gradient(
            "made with a bias gradient averaged instead of summed",
            "over(bar(A), bias(A) / N_s)",
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
