"""Every value of one small example, in the order of working by hand.

    sheet = Worksheet()                  # the default example, in exact fractions
    print(sheet)                         # or sheet alone, in a notebook
    sheet.check("dW2_s", "[6; 3; 1/2]")  # right, or what went wrong
    sheet.mark({"F_s": "[1; 0; 2]"})     # a whole sheet, errors carried forward
    sheet.to_html(blank=True)            # formulas without values, to print and fill in

One inner step on one task: forward and backward on the support set, the step, forward
and backward on the query set, the second-order pass in the direction α∘λ, and the
meta-gradient. Matrices are written row by row, [1 2; 3 4]; the last row of every weight
matrix is its bias.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import ArrayLike

from ..adaptation import check_alpha
from ..checks import shown, truth, whole_number
from ..network import TwoLayerNet
from ..tasks import TaskBatch
from . import formats
from .answers import (
    Verdict,
    all_agree,
    find_roughness,
    read_answer,
    round_whole_numbers,
)
from .examples import default_example, draw_example
from .lines import GIVEN, given_values, layout, work
from .marking import Marks, mark
from .practice import Practice
from .slips import RARE, try_to_evaluate
from .tutor import Reading, Tutor, give_verdict


@dataclass(frozen=True)
class Line:
    """One line of a sheet: `symbol` = `expression` = `value`.

    `tag` is the equation's, as in the package's comments; a given value has neither.
    """

    section: str
    symbol: str
    tag: str
    expression: str
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
    >>> from fractions import Fraction
    >>> sheet = Worksheet()
    >>> sheet.check("dW2_s", "[6; 3; 1]").right
    True
    >>> sheet.check("dF_s", [Fraction(3, 2), 3, -3])
    dF_s is not right: it may be made without the 2/N.
    >>> sheet.mark({"dF_s": ["3/2", 3, -3], "dW2_s": "[9; 9/2; 3/2]"}).points
    1
    """

    def __init__(
        self,
        net: TwoLayerNet | None = None,
        theta: ArrayLike | None = None,
        alpha: ArrayLike | None = None,
        batch: TaskBatch | None = None,
    ):
        arguments = {"net": net, "theta": theta, "alpha": alpha, "batch": batch}
        missing = [name for name, value in arguments.items() if value is None]
        if missing and len(missing) < len(arguments):
            raise ValueError(
                f"{', '.join(missing)} left out, but net, theta, alpha and batch "
                "belong together; give all four, or none for the default sheet"
            )
        if net is None:
            net, theta, alpha, batch = default_example()
        if not isinstance(net, TwoLayerNet) or not isinstance(batch, TaskBatch):
            raise TypeError(
                f"net is {shown(net)} and batch {shown(batch)}, but a worksheet takes "
                "a TwoLayerNet and a TaskBatch; pass these"
            )
        if len(batch) != 1:
            raise ValueError(
                f"the batch has {len(batch)} tasks, but a worksheet takes one; "
                "pass batch[:1]"
            )
        net.loss(theta, batch.X_s, batch.Y_s)  # raises if the arguments do not fit
        net.loss(theta, batch.X_q, batch.Y_q)
        theta = np.asarray(theta)
        self.problem = net, theta, check_alpha(net, alpha, theta), batch
        self.values = work(net, given_values(*self.problem))
        rows = [("Given", "", symbol, "") for symbol in GIVEN]
        rows += layout(net.activation_name, net.loss_name)
        self.lines = [
            Line(section, symbol, tag, expression, self.values[symbol])
            for section, tag, symbol, expression in rows
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
            Small, and such that every slip alters the value of its line.
        """
        return cls(*draw_example(Random(whole_number("seed", seed, 0))))

    @classmethod
    def for_name(cls, name: str) -> "Worksheet":
        """Draw the example of a name: the same sheet for the same name, anywhere.

        Parameters
        ----------
        name : str
            Any text; spaces around and between its words do not count.

        Returns
        -------
        Worksheet
            As from_seed draws it.
        """
        text = " ".join(name.split()) if isinstance(name, str) else ""
        if not text:
            raise ValueError(
                f"name is {shown(name)}, but a sheet is drawn from a text that is not "
                "empty; give a name, or use Worksheet() or Worksheet.from_seed(7)"
            )
        text = unicodedata.normalize("NFC", text)
        digest = hashlib.sha256(text.encode("utf-8")).digest()
        return cls(*draw_example(Random(int.from_bytes(digest, "big"))))

    def check(self, symbol: str, answer: ArrayLike) -> Verdict:
        """Compare an answer with the value of a line, and say what is wrong with it.

        Parameters
        ----------
        symbol : str
            The line, such as "dW2_s".
        answer : number, fraction, "3/4", list or array
            A decimal is right if it is rounded rightly and not too far.

        Returns
        -------
        Verdict
            With ``.right``, ``.message``, ``.named`` (a slip or mistake was recognised)
            and ``.mistakes``, catalogue numbers.

        Raises
        ------
        ValueError
            If there is no such line, or the answer is not a number.
        """
        verdict, given = self.compare(symbol, answer)
        if verdict is not None:
            return verdict
        found = self.tutor.explain(symbol, given)
        return give_verdict(symbol, found, given, self.values[symbol])

    def compare(self, symbol: str, answer: ArrayLike, rounded: bool = False) -> tuple:
        """(Verdict, Reading) of an answer; no Verdict if it is yet to be explained.

        `rounded` says whether other answers are in decimals.
        """
        truth = self.find_line(symbol).value
        entries = read_answer(answer, np.shape(truth))
        if rounded or any(entry.unit for entry in entries.flat):
            entries = round_whole_numbers(entries)
        if not all_agree(entries, truth):
            return None, Reading.of(entries)
        others = []
        if any(entry.unit for entry in entries.flat):  # it must differ from every slip
            others = [
                try_to_evaluate(slip.expression, self.tutor.floats)
                for slip in self.tutor.slips[symbol]
                if slip.rank < RARE
            ]
        rough = find_roughness(entries, truth, others)
        verdict = Verdict(not rough, rough or f"{symbol} is right.")
        return verdict, Reading.of(entries)

    def find_line(self, symbol: str) -> Line:
        """The line of a symbol; ValueError if there is none."""
        for line in self.lines:
            if line.symbol == symbol:
                return line
        symbols = ", ".join(line.symbol for line in self.lines if line.expression)
        raise ValueError(
            f"there is no line {symbol!r} on this sheet; choose one of: {symbols}"
        )

    @cached_property
    def tutor(self) -> Tutor:
        """The slips and mistakes of this sheet; worked out when they are needed."""
        return Tutor(self.problem[0], self.values)

    def mark(self, answers: dict | str | Path) -> Marks:
        """Mark a whole or partly filled sheet; an error is counted once.

        Parameters
        ----------
        answers : dict, str or Path
            {symbol: answer} of some or all lines, or the path of a filled-in text or
            CSV file, or of what the HTML form saves.

        Returns
        -------
        Marks
            With ``.lines``, ``.points`` and ``.total``; a table in print and notebooks.

        Raises
        ------
        ValueError
            If there is no such line, or the file holds no answers.
        """
        return mark(self, answers)

    def practice(self, path: str | Path | None = None) -> Marks | None:
        """Ask for line after line, with hints, and mark the sheet at the end.

        Parameters
        ----------
        path : str or Path, optional
            The answer file, continued if it exists; by default a new one here.

        Returns
        -------
        Marks or None
            None after "quit"; the answers are saved as they are given.
        """
        return Practice(self, path).run()

    def __str__(self):
        return self.to_text()

    def _repr_html_(self):
        return formats.html_table(self)

    def to_text(self, blank: bool = False) -> str:
        """Plain text; a `blank` one, without values, is an answer file to fill in."""
        return formats.text(self, truth("blank", blank))

    def to_html(self, blank: bool = False) -> str:
        """A page that prints on A4; a `blank` one can be filled in in a browser."""
        return formats.html_page(formats.html_sheet(self, truth("blank", blank)))
