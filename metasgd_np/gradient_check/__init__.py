"""Check derivatives written by hand against derivatives from values alone.

numerical.py     along one line: complex step, central difference, Taylor remainder
noise.py         windows: a slope and its error where values are noisy, or kinked
compare.py       a claimed slope beside these: the verdict on each entry and block
diagnosis.py     what a wrong gradient looks like, in a sentence
ladder.py        gradcheck, and the three levels: gradient, H v, meta-gradient
derivations.py   the meta-gradient derived four ways (and a fifth) in one table
autodiff.py      the fifth: PyTorch or JAX, where installed
inputs.py        what a user passes in, checked
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
