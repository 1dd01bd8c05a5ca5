"""The functions that the tests of optimisers and autodiff libraries try, as formulas.

SymPy differentiates each, so that nothing here is derived by the code under test.
"""

import numpy as np
import pytest
import sympy

from metasgd_np import gradcheck

FORMULAS = """
    (1 - a)**2 + 100*(b - a**2)**2
    (a + 2*b - 7)**2 + (2*a + b - 5)**2
    (a**2 + b - 11)**2 + (a + b**2 - 7)**2
    a**2 + b**2 + c**2 + d**2
    (a + 10*b)**2 + 5*(c - d)**2 + (b - 2*c)**4 + 10*(a - d)**4
    20 + a**2 + b**2 - 10*cos(2*pi*a) - 10*cos(2*pi*b)
    exp(a) + exp(b)*exp(-c)
    a*sin(b)
    exp(-a)*sin(b) + d
    sin(a*b)*log(c)
    log(a**2 + b**2)
    log(1 + exp(a*b - c))
    log(exp(a) + exp(b) + exp(c) + exp(d))
    exp(a)/(exp(a) + exp(b) + exp(c))
    a**b
    (a + b)**(c/2)
    sqrt(a**2 + b**2 + c**2)
    sqrt(a + b)*c
    1/(a + b + c)
    a/b + b/c + c/d
    tan(a/4)*b
    tanh(a*b + c)
    sinh(a)*cosh(b/2)
    atan(a*b)
    asin(a/9)*acos(b/9)
    1/(1 + exp(-a*b))
    a*b*c*d
    a*d - b*c
    (a*d - b*c)**(-2)
    exp(-(a**2 + b**2)/2)
    exp(a*b)*sin(c*d)
    sin(sin(sin(a*b)))
    cos(a)**2 + sin(b)**2*c
    a**3 - 3*a*b**2
    1e8*(a - 1)**2 + 1e-8*b
    1e-9*a*b + 1e-9*sin(c)
    1e6 + a*b*exp(-c)
    sin(50*a)*b
    a*log(a) + b*log(b) + c*log(c)
    a*exp(-b*c) - d*exp(-b*d)
    a - 2*b + 3*c - 4*d
""".strip().splitlines()


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("formula", [line.strip() for line in FORMULAS])
def test_a_right_gradient_passes_and_a_wrong_one_does_not(formula, real):
    letters = sympy.symbols("a:d")
    f = sympy.sympify(formula)
    f, *slopes = (
        sympy.lambdify(letters, g, "numpy") for g in (f, *(f.diff(a) for a in letters))
    )
    x = np.array([0.7, 1.3, 2.1, 0.4])
    right = np.array([float(slope(*x)) for slope in slopes])

    def function(x):
        return float(f(*x)) if real else f(*x)

    gradcheck(function, right, x).assert_ok()
    wrong = right + 0.05 * np.abs(right).max() * np.eye(4)[1]
    assert gradcheck(function, wrong, x).wrong
