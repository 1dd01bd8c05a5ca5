"""Check derivatives written by hand against numerical ones; read in this order.

numerical.py     along a line: complex step, central difference, Taylor remainder
noise.py         a slope and its error near noise, kinks or jumps
compare.py       how a verdict is reached
diagnosis.py     the likely cause of a wrong gradient, in a sentence
report.py        the verdicts as text and HTML
ladder.py        gradcheck, and the three levels: gradient, H v, meta-gradient
derivations.py   the meta-gradient derived four ways (a fifth: autodiff.py) in one table
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
