"""The catalogue of mistakes: known wrong meta-gradients, each written once.

A mistake is a few expressions that are wrong. With them, the lines of a worksheet give
its wrong values, and the recursion of adaptation.py its wrong meta-gradient: an answer
can be traced to the mistake behind it, a checker be shown to catch it, and a notebook
show its effect.

    CATALOGUE[7].meta_gradient(net, theta, alpha, batch, steps)   # wrong (dθ, dα)
    CATALOGUE[7].variants[0].altered(net)                         # wrong sheet lines

A mistake can be made in more than one way: its variants.
"""

from copy import copy
from dataclasses import dataclass, replace

from .lines import evaluate, layout, to_query

RECURSION = {  # of any network, for each step; W, dW_s and so on are vectors (P,)
    "W_prime": "W - alpha * dW_s",  # (5.1)
    "V": "alpha * dW_q",  # dW_q is λ, at first the query gradient
    "dtheta": "dW_q - dW_dot",  # (5.3), with dW_dot = H V
    "dalpha": "-(dW_s * dW_q)",  # (6.1)
    "end": "W",  # where the query gradient is taken, after the last step
    "sum": "sum",  # of the dalpha of all steps
}


@dataclass(frozen=True)
class Variant:
    """One way to make a mistake, in the lines of a sheet.

    phrase   what the wrong value is, to be put after "it may be"
    lines    {symbol: wrong expression}: # stands for 1 and for 2, {} for the right
             expression; a line of the support set is the query set's too. Those of the
             RECURSION, which may have W_0, θ before the first step, query, the query
             gradient, and last, whether it is the last step, show on no sheet
    loss     the only loss with which it can be made, if any
    """

    phrase: str
    lines: dict
    loss: str | None = None

    def altered(self, net):
        """{symbol: wrong expression} for the sheets of `net`."""
        rows = layout(net.activation_name, net.loss_name)
        right = {symbol: expression for *_, symbol, expression in rows}
        shown = {s: wrong for s, wrong in self.lines.items() if s not in RECURSION}
        twins = {to_query(s): to_query(wrong) for s, wrong in shown.items()}
        altered = {}
        for symbol, wrong in (twins | shown).items():
            for i in "12":
                s = symbol.replace("#", i)
                altered[s] = wrong.replace("#", i).replace("{}", f"({right.get(s)})")
        return altered

    def meta_gradient(self, net, theta, alpha, batch, steps=1):
        """The wrong dθ (P,) and dα (P,)."""
        wrong = {s.replace("#", ""): e.replace("#", "") for s, e in self.lines.items()}
        line = {s: wrong.get(s, "{}") for s in RECURSION}
        line = {s: e.replace("{}", f"({RECURSION[s]})") for s, e in line.items()}
        sets = {s: getattr(batch, wrong.get(s, s)) for s in vars(batch)}
        net = spoil_passes(net, wrong)
        known = {"W": theta, "W_0": theta, "alpha": alpha, "sum": 0}
        passes = []
        for _ in range(steps):
            passes.append(net.backward_pass(known["W"], sets["X_s"], sets["Y_s"]))
            known["dW_s"] = passes[-1].gradient
            known["W"] = evaluate(line["W_prime"], known)
        end = net.backward_pass(evaluate(line["end"], known), sets["X_q"], sets["Y_q"])
        known["query"] = known["dW_q"] = end.gradient
        for p in reversed(passes):
            known |= {"dW_s": p.gradient, "last": p is passes[-1]}
            known["dW_dot"] = net.tangent_pass(p, evaluate(line["V"], known)).hv
            known["dtheta"] = evaluate(line["dtheta"], known)
            known["sum"] = known["sum"] + evaluate(line["dalpha"], known)
            known["dW_q"] = known["dtheta"]
        return known["dtheta"].mean(0), evaluate(line["sum"], known).mean(0)


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


def spoil_passes(net, wrong):
    """The network with a wrong φ″, slope or curvature of the loss, or gradient."""
    if "phi2" in wrong:
        net = with_phi(net, curvature=spoil(net.phi.curvature, wrong["phi2"]))
    if "dF_s" in wrong:
        net = with_loss(net, slope=spoil(net.loss_function.slope, wrong["dF_s"]))
    if "dF_dot" in wrong:
        curvature = spoil(net.loss_function.curvature, wrong["dF_dot"])
        net = with_loss(net, curvature=curvature)
    return with_gradient(net, wrong["dW_s"]) if "dW_s" in wrong else net


def spoil(right, wrong):
    """The function `right` of F_s or Z1_s with the expression `wrong` for its value."""

    def spoilt(A, *rest):
        known = {"right": right(A, *rest), "N_s": A.shape[-2]}
        known |= {"F_s": A, "F_dot": rest[-1]}
        return evaluate(wrong.replace("{}", "right"), known)

    return spoilt


def with_gradient(net, wrong):
    """A copy of `net` whose weight gradients are `wrong`, an expression in {}."""

    def backward_pass(*arguments):
        p = net.backward_pass(*arguments)
        spoilt = (
            evaluate(wrong.replace("{}", "dW"), {"dW": dW, "N_s": p.F.shape[-2]})
            for dW in net.unpack(p.gradient)
        )
        return p._replace(gradient=net.pack(*spoilt))

    changed = copy(net)
    changed.backward_pass = backward_pass
    return changed


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


def entry(number, name, goes_wrong, seen, *variants):
    """A Mistake with its variants."""
    return Mistake(number, name, goes_wrong, seen, variants)


ENTRIES = (
    entry(
        1,
        "α is given θ's gradient",
        "α is updated with a gradient of θ; dα = −g∘λ needs the support gradient g too",
        "a book's listing and programs that follow it",
        Variant(
            "dθ: α was given θ's gradient", {"dalpha#": "dtheta#", "sum": "dtheta"}
        ),
        Variant(
            "g′, the query gradient λ: α was given θ's gradient",
            {"dalpha#": "dW#_q", "sum": "query"},
        ),
        Variant(
            "−g′: α was given θ's gradient", {"dalpha#": "-dW#_q", "sum": "-query"}
        ),
    ),
    entry(
        2,
        "the curvature is dropped",
        "λ is not carried back through the steps: first order under the name of second",
        "programs that keep no graph of the inner gradient",
        Variant("λ without − H(α∘λ): the curvature was dropped", {"dtheta#": "dW#_q"}),
    ),
    entry(
        3,
        "the sign of dα is flipped",
        "θ′ = θ − α∘g has a minus, so dα = −g∘λ; +g∘λ makes α climb",
        "a library whose tests pass all the same",
        Variant("+g∘λ: the sign of dα is flipped", {"dalpha#": "-{}"}),
    ),
    entry(
        4,
        "α∘(Hλ) for H(α∘λ)",
        "α scales λ before the Hessian, not after: the transpose of I − diag(α) H",
        "derivations that treat α as one number",
        Variant(
            "made with α∘(Hλ) in place of H(α∘λ)",
            {"V#": "dW#_q", "dtheta#": "dW#_q - alpha# * dW#_dot"},
        ),
    ),
    entry(
        5,
        "−g∘g′ is used for more than one step",
        "with J steps dα is a sum over the steps, each with its own g and λ",
        "code that grew from one inner step to several",
        Variant("−g∘g′ with the first step's g only", {"sum": "-(dW_s * query)"}),
    ),
    entry(
        6,
        "each inner step starts again from θ",
        "θ_{j+1} = θ − α∘g_j forgets the steps before; it must start from θ_j",
        "a program with 2 or 3 inner steps",
        Variant(
            "made with every step starting at θ",
            {
                "W_prime": "W_0 - alpha * dW_s",
                "dtheta": "dW_q - last * dW_dot",
                "dalpha": "last * {}",
            },
        ),
    ),
    entry(
        7,
        "φ″ is left out",
        "the derivative of φ′(Z1) is missing from dZ1_dot; harmless for relu only",
        "the second derivative of a layer library",
        Variant("made without φ″ in the Hessian-vector product", {"phi2": "0 * {}"}),
    ),
    entry(
        8,
        "the loss's 2 or 1/N is forgotten",
        "the mean of squares has the slope (2/N)(F − Y)",
        "gradients derived for one example, or for half the squared error",
        Variant(
            "made without the 2 of the squared error",
            {"dF_s": "{} / 2", "dF_dot": "{} / 2"},
            loss="squared_error",
        ),
        Variant(
            "made without the 1/N of the mean",
            {"dF_s": "{} * N_s", "dF_dot": "{} * N_s"},
        ),
    ),
    entry(
        9,
        "a weight gradient is transposed or broadcast",
        "the numbers are poured into the wrong places, and NumPy says nothing",
        "a NumPy program in which a (40, 1) gradient met a (40, 40) weight",
        Variant("made with a transposed weight gradient", {"dW#_s": "poured({})"}),
        Variant(
            "made with one column broadcast over the weight gradient",
            {"dW#_s": "spread({})"},
        ),
    ),
    entry(
        10,
        "one scalar α for all",
        "all entries of α share one gradient, the sum of dα",
        "a program in another framework",
        Variant(
            "the sum of dα in every entry: one scalar α for all",
            {
                "dalpha#": "like(W#, -sum(dW1_s * dW1_q) - sum(dW2_s * dW2_q))",
                "dalpha": "{}",
                "sum": "0 * sum + rowsum(sum)",
            },
        ),
    ),
    entry(
        11,
        "the query gradient is taken at θ",
        "λ must be taken where the inner step led, at θ′",
        "code that reuses the network before its weights were changed",
        Variant(
            "made with the query gradient at θ, not θ′",
            {
                "Z1_q": "X1_q @ W1",
                "F_q": "H1_1_q @ W2",
                "dH1_q": "dF_q @ bar(W2).T",
                "end": "W_0",
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
            {A + "_" + b: A + "_" + c for A in "XYN" for b, c in ("sq", "qs")},
        ),
    ),
    entry(
        13,
        "the bias gradient is averaged",
        "the 1/N is in dF already; a bias gradient sums over the examples",
        "backward passes that call mean where the chain rule says sum",
        Variant(
            "made with a bias gradient averaged instead of summed",
            {"dW#_s": "over(bar({}), bias({}) / N_s)"},
        ),
    ),
    entry(
        14,
        "softmax curvature without its rank-one term",
        "p∘F_dot lacks − p (p·F_dot): raising all logits together must change nothing",
        "code carried over from the sigmoid",
        Variant(
            "made without the rank-one term of the softmax curvature",
            {"dF_dot": "1 / N_s * softmax(F_s) * F_dot"},
            loss="softmax_cross_entropy",
        ),
    ),
    entry(
        15,
        "resumed without α in the optimiser",
        "after a restart only θ is handed to the optimiser, so α never moves again",
        "a program that resumes from its own checkpoint",
        Variant("zero: α gets no gradient", {"sum": "0 * sum"}),
    ),
)

CATALOGUE = {mistake.number: mistake for mistake in ENTRIES}
