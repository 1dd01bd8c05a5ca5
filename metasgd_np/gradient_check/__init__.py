"""Check derivatives written by hand against derivatives from values alone.

numerical.py     complex step, central difference, Taylor remainder, along a line
noise.py         derivatives and their errors where values are noisy, or near kinks
compare.py       a claim beside these: the verdict on each block
diagnosis.py     what a wrong gradient looks like, in a sentence
ladder.py        gradcheck, and the three levels: gradient, H v, meta-gradient
derivations.py   the meta-gradient derived four ways (and a fifth) in one table
autodiff.py      the fifth: PyTorch or JAX, where installed
inputs.py        checks of what a user passes in
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
