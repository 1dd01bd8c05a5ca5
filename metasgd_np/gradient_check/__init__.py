"""Check derivatives written by hand against numerical ones.

numerical.py     along a line: complex step, central difference, Taylor remainder
noise.py         windows: a slope and its error near noise or kinks
compare.py       claimed against numerical slopes: the verdict on each entry and block
diagnosis.py     the likely cause of a wrong gradient, in a sentence
ladder.py        gradcheck, and the three levels: gradient, H v, meta-gradient
derivations.py   the meta-gradient derived four ways (and a fifth) in one table
autodiff.py      the fifth: PyTorch or JAX, where installed
inputs.py        checks of user input
report.py        the verdicts as text and HTML
"""

from .derivations import agreement, small_problem
from .ladder import check_gradient, check_hvp, check_meta_gradient, gradcheck
from .report import Report

__all__ = [
    "Report",
    "agreement",
    "check_gradient",
    "check_hvp",
    "check_meta_gradient",
    "gradcheck",
    "small_problem",
]
