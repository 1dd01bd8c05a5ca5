"""Every value of one small example, in the order of working by hand.

    sheet = Worksheet()                  # the default example, in exact fractions
    print(sheet)                         # or sheet alone, in a notebook
    sheet.check("dW2_s", [[2], [0], [1]])    # right, or what went wrong
    sheet.to_html(blank=True)            # formulas without values, to print and fill in

One inner step on one task: forward and backward on the support set, the step, forward
and backward on the query set, the second-order pass in the direction α∘λ, and the
meta-gradient. Matrices are written row by row, [1 2; 3 4]; the last row of every weight
matrix is its bias.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from ..adaptation import check_alpha
from ..checks import whole_number
from ..network import TwoLayerNet
from ..tasks import TaskBatch
from . import formats
from .answers import Verdict, find_difference, read_answer
from .mistakes import ENTRIES, work

# The default example, found by search: no denominator above 4, no numerator above 24,
# no line all zero, and every mistake of the catalogue shows differently.
DEFAULT = {
    "W1": [[1, 1], [-2, -1]],
    "W2": [[-1], [1], [1]],
    "alpha1": [[(1, 4), (1, 2)], [(-1, 4), (-1, 2)]],
    "alpha2": [[(-1, 1)], [(1, 2)], [(1, 2)]],
    "X": [[2], [1], [-1], [1]],
    "Y": [[1], [-2], [0], [3]],
}

PHI = {  # φ, φ′ and φ″ in terms of {Z}, {H} and {D}, the value of φ′
    "tanh": ("tanh({Z})", "1 − {H}∘{H}", "−2 {H}∘{D}"),
    "sigmoid": ("1 / (1 + exp(−{Z}))", "{H}∘(1 − {H})", "{D}∘(1 − 2 {H})"),
    "relu": ("max({Z}, 0)", "1 where {Z} > 0, else 0", "0"),
    "square": ("{Z}∘{Z}", "2 {Z}", "2"),
    "identity": ("{Z}", "1", "0"),
}
LOSS = {  # L, dF and dF_dot in terms of {F}, {Y}, {N} and {F_dot}, and their tags
    "squared_error": (
        ("1/{N} · Σ ({F} − {Y})²", "2.4"),
        ("2/{N} · ({F} − {Y})", "2.5"),
        ("2/{N} · {F_dot}", "4.4"),
    ),
    "sigmoid_cross_entropy": (
        ("1/{N} · Σ [log(1 + exp({F})) − {Y}∘{F}]", "8.1"),
        ("1/{N} · (σ({F}) − {Y})", "8.2"),
        ("1/{N} · σ({F})∘(1 − σ({F}))∘{F_dot}", "8.3"),
    ),
    "softmax_cross_entropy": (
        ("1/{N} · Σ [log Σ exp({F}) − {F} at {Y}]", "8.4"),
        ("1/{N} · (p − one-hot of {Y}), p = softmax({F})", "8.5"),
        ("1/{N} · (p∘{F_dot} − p (p·{F_dot})), p = softmax({F})", "8.6"),
    ),
}


@dataclass(frozen=True)
class Line:
    """One line of a sheet: `symbol` = `formula` (a template with {symbols}) = `value`.

    `tag` is the equation's, as in the package's comments; a given value has neither.
    """

    section: str
    symbol: str
    tag: str
    formula: str
    value: np.ndarray


class Worksheet:
    """All lines of one example, to read, print, or check answers against.

    Give all four arguments, or none for the default example. Fractions
    in object arrays stay exact; floats are shown to six digits.

    Parameters
    ----------
    net : TwoLayerNet, optional
        The network.
    theta : (P,) array_like, optional
        Its parameters before the step.
    alpha : float or (P,) array_like, optional
        Step sizes.
    batch : TaskBatch, optional
        One task.

    Raises
    ------
    ValueError
        If the arguments do not fit one another, or the batch holds several tasks.

    Examples
    --------
    >>> sheet = Worksheet()
    >>> sheet.check("dW2_s", [[2], [1], [3]]).right
    True
    """

    def __init__(
        self,
        net: TwoLayerNet | None = None,
        theta: ArrayLike | None = None,
        alpha: ArrayLike | None = None,
        batch: TaskBatch | None = None,
    ):
        if net is None:
            net, theta, alpha, batch = default_example()
        if len(batch) != 1:
            raise ValueError(
                f"the batch has {len(batch)} tasks, but a worksheet takes one; "
                "pass batch[:1]"
            )
        net.loss(theta, batch.X_s, batch.Y_s)  # raises if the arguments do not fit
        net.loss(theta, batch.X_q, batch.Y_q)
        theta = np.asarray(theta)
        self.problem = net, theta, check_alpha(net, alpha, theta), batch
        self.values = given(*self.problem) | work(*self.problem)
        self.lines = [
            Line(section, symbol, tag, formula, self.values[symbol])
            for section, symbol, tag, formula in layout(net)
        ]

    @classmethod
    def from_seed(cls, seed: int) -> "Worksheet":
        """Draw an exact example like the default one, determined by the seed.

        Parameters
        ----------
        seed : int
            0 or more.

        Returns
        -------
        Worksheet
            With denominators up to 100 and no line all zero.
        """
        rng = np.random.default_rng(whole_number("seed", seed, 0))
        while True:
            sheet = cls(*random_example(rng))
            if sheet.is_easy():
                return sheet

    def is_easy(self) -> bool:
        """Whether all fractions are short and no line is all zero.

        Denominators are at most 100, numerators below 1,000; a line that is all zero
        would hide a mistake.
        """
        for line in self.lines:
            entries = [Fraction(entry) for entry in np.ravel(line.value)]
            if any(e.denominator > 100 or abs(e.numerator) > 999 for e in entries):
                return False
            if not any(entries):
                return False
        return True

    def check(self, symbol: str, answer: ArrayLike) -> Verdict:
        """Compare an answer with the value of a line, and say what is wrong with it.

        Parameters
        ----------
        symbol : str
            The line, such as "dW2_s".
        answer : number, fraction, "3/4", list or array
            A decimal is right if it agrees to the digits given.

        Returns
        -------
        Verdict
            With ``.right``, ``.message`` and ``.mistakes``, catalogue numbers.

        Raises
        ------
        ValueError
            If there is no such line, or the answer is not a number.
        """
        if symbol not in {line.symbol for line in self.lines}:
            symbols = ", ".join(line.symbol for line in self.lines if line.tag)
            raise ValueError(
                f"there is no line {symbol!r} on this sheet; choose one of: {symbols}"
            )
        entries = read_answer(answer)
        truth = self.values[symbol]
        difference = find_difference(entries, truth)
        if difference is None:
            return Verdict(True, f"{symbol} is right.", ())
        named = self.mistakes_giving(symbol, entries)
        if not named:
            return Verdict(False, f"{symbol} is not right: {difference}", ())
        names = "; ".join(
            f"this is {variant.phrase} (see mistake {mistake.number}, {mistake.name})"
            for mistake, variant in named
        )
        numbers = tuple(dict.fromkeys(mistake.number for mistake, _ in named))
        return Verdict(False, f"{symbol} is not right: {names}.", numbers)

    def mistakes_giving(self, symbol: str, entries: np.ndarray) -> list:
        """The (mistake, variant) pairs that put exactly `entries` on line `symbol`."""
        found, loss = [], self.problem[0].loss_name
        for mistake in ENTRIES:
            for variant in mistake.variants:
                if variant.work is None or variant.loss not in (None, loss):
                    continue
                wrong = variant.work(*self.problem).get(symbol)
                if wrong is None or np.array_equal(wrong, self.values[symbol]):
                    continue
                if find_difference(entries, wrong) is None:
                    found.append((mistake, variant))
        return found

    def __str__(self):
        return self.to_text()

    def _repr_html_(self):
        return formats.html_table(self)

    def to_text(self, blank: bool = False) -> str:
        """Aligned plain text; `blank` leaves out the values to be worked out."""
        return formats.text(self, blank)

    def to_markdown(self, blank: bool = False) -> str:
        """Markdown, one table per section."""
        return formats.markdown(self, blank)

    def to_html(self, blank: bool = False) -> str:
        """A whole HTML page that prints on one sheet of A4."""
        return formats.html_page(self, blank)

    def to_latex(self, blank: bool = False) -> str:
        """A whole LaTeX document."""
        return formats.latex(self, blank)


def default_example():
    """(net, θ, α, batch): D = 1, H = 2, O = 1, two examples per set, in fractions."""
    net = TwoLayerNet(1, 2, 1, activation="square")
    theta = [entry for W in ("W1", "W2") for row in DEFAULT[W] for entry in row]
    alpha = [
        Fraction(*pair)
        for A in ("alpha1", "alpha2")
        for row in DEFAULT[A]
        for pair in row
    ]
    return net, exact(theta), exact(alpha), exact_batch(DEFAULT["X"], DEFAULT["Y"])


def random_example(rng):
    """A candidate (net, θ, α, batch) of the default example's kind."""
    net = TwoLayerNet(1, 2, 1, activation="square")
    theta = rng.choice([-2, -1, 1, 2], net.n_params)
    sizes = [Fraction(1, 2), Fraction(-1, 2), Fraction(1), Fraction(1, 4)]
    alpha = rng.choice(sizes, net.n_params)
    X = rng.permutation([-2, -1, 0, 1, 2])[:4, None]
    Y = rng.integers(-3, 4, (4, 1))
    return net, exact(theta), exact(alpha), exact_batch(X, Y)


def exact(numbers):
    """An object array of fractions."""
    return np.vectorize(Fraction, otypes=[object])(np.asarray(numbers, dtype=object))


def exact_batch(X, Y):
    """One task: the first two rows of X and Y are support, the others query."""
    X, Y = exact(X)[None], exact(Y)[None]
    return TaskBatch(X[:, :2], Y[:, :2], X[:, 2:], Y[:, 2:])


def given(net, theta, alpha, batch):
    """The values that the example starts from."""
    values = {"X_s": batch.X_s[0], "Y_s": batch.Y_s[0]}
    values |= {"X_q": batch.X_q[0], "Y_q": batch.Y_q[0]}
    values["W1"], values["W2"] = net.unpack(theta)
    values["alpha1"], values["alpha2"] = net.unpack(alpha)
    return values


def layout(net):
    """(section, symbol, tag, formula) of every line, in order."""
    given_symbols = ("X_s", "Y_s", "X_q", "Y_q", "W1", "W2", "alpha1", "alpha2")
    sections = {
        "Given": [(symbol, "", "") for symbol in given_symbols],
        "Support set": pass_lines(net, "s", "W1", "W2"),
        "Step": [
            (f"W{i}_prime", "5.1", f"{{W{i}}} − {{alpha{i}}}∘{{dW{i}_s}}")
            for i in (1, 2)
        ],
        "Query set, at θ′": pass_lines(net, "q", "W1_prime", "W2_prime"),
        "Second order, along v = α∘λ": tangent_lines(net),
        "Meta-gradient": [
            ("dtheta1", "5.3", "{dW1_q} − {dW1_dot}"),
            ("dtheta2", "5.3", "{dW2_q} − {dW2_dot}"),
            ("dalpha1", "6.1", "−{dW1_s}∘{dW1_q}"),
            ("dalpha2", "6.1", "−{dW2_s}∘{dW2_q}"),
        ],
    }
    return [(section, *line) for section, lines in sections.items() for line in lines]


def pass_lines(net, which, W1, W2):
    """(symbol, tag, formula) of one forward and backward pass, "s" or "q"."""
    phi, phi1, _ = PHI[net.activation_name]
    (L, L_tag), (dF, dF_tag), _ = LOSS[net.loss_name]
    names = {symbol: f"{{{symbol}_{which}}}" for symbol in ("F", "X", "Y", "N")}
    names |= {"Z": f"{{Z1_{which}}}", "H": f"{{H1_{which}}}"}
    lines = (
        ("X1", "", f"[{names['X']} 1]"),
        ("Z1", "2.1", f"{{X1_{which}}} {{{W1}}}"),
        ("H1", "2.2", phi.format(**names)),
        ("H1_1", "", f"[{names['H']} 1]"),
        ("F", "2.3", f"{{H1_1_{which}}} {{{W2}}}"),
        ("L", L_tag, L.format(**names)),
        ("dF", dF_tag, dF.format(**names)),
        ("dW2", "2.6", f"{{H1_1_{which}}}ᵀ {{dF_{which}}}"),
        ("dH1", "2.7", f"{{dF_{which}}} {{{W2}_bar}}ᵀ"),
        ("phi1", "2.8", phi1.format(**names)),
        ("dZ1", "2.8", f"{{dH1_{which}}}∘{{phi1_{which}}}"),
        ("dW1", "2.9", f"{{X1_{which}}}ᵀ {{dZ1_{which}}}"),
    )
    return [(f"{symbol}_{which}", tag, formula) for symbol, tag, formula in lines]


def tangent_lines(net):
    """(symbol, tag, formula) of the second-order pass on the support set."""
    _, _, phi2 = PHI[net.activation_name]
    _, _, (dF_dot, dF_dot_tag) = LOSS[net.loss_name]
    names = {"Z": "{Z1_s}", "H": "{H1_s}", "D": "{phi1_s}"}
    names |= {"F": "{F_s}", "Y": "{Y_s}", "N": "{N_s}", "F_dot": "{F_dot}"}
    return [
        ("V1", "5.3", "{alpha1}∘{dW1_q}"),
        ("V2", "5.3", "{alpha2}∘{dW2_q}"),
        ("Z1_dot", "4.1", "{X1_s} {V1}"),
        ("H1_dot", "4.2", "{phi1_s}∘{Z1_dot}"),
        ("F_dot", "4.3", "{H1_dot} {W2_bar} + {H1_1_s} {V2}"),
        ("dF_dot", dF_dot_tag, dF_dot.format(**names)),
        ("dW2_dot", "4.5", "[{H1_dot} 0]ᵀ {dF_s} + {H1_1_s}ᵀ {dF_dot}"),
        ("dH1_dot", "4.6", "{dF_dot} {W2_bar}ᵀ + {dF_s} {V2_bar}ᵀ"),
        ("phi2", "4.7", phi2.format(**names)),
        ("dZ1_dot", "4.7", "{dH1_dot}∘{phi1_s} + {dH1_s}∘{phi2}∘{Z1_dot}"),
        ("dW1_dot", "4.8", "{X1_s}ᵀ {dZ1_dot}"),
    ]
