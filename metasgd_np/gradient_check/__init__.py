"""Check derivatives written by hand against derivatives by numbers alone.

numerical.py    complex step, central difference, Taylor remainder, along a line
claims.py       what is claimed, and where: checks of what a user passes in
comparing.py    a claim beside the numbers: the verdict on each block
reports.py      the verdicts as text and HTML
rungs.py        gradcheck, and the three rungs: gradient, H v, meta-gradient
roads.py        the meta-gradient by four roads (and a fifth) in one table
autodiff.py     the fifth: PyTorch or JAX, where installed
"""

from .reports import Report
from .roads import Agreement, agreement, small_problem
from .rungs import check_gradient, check_hvp, check_meta_gradient, gradcheck

__all__ = [
    "Agreement",
    "Report",
    "agreement",
    "check_gradient",
    "check_hvp",
    "check_meta_gradient",
    "gradcheck",
    "small_problem",
]
