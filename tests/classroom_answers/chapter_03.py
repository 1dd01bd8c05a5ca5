"""Answers to the exercises of chapter 03, as people give them, and what is said."""

PENCIL = "from fractions import Fraction\nby_central = {}; by_complex = {}"
DIFFERENCES = """
def differences(sheet):
    W2 = sheet.values["W2"]
    slopes = np.empty_like(W2)
    for i in range(len(W2)):
        e = np.zeros_like(W2)
        e[i] = 1
        slopes[i] = {}
    return slopes
"""
EXPONENT = """
def exponent(L, claimed, t):
    R = lambda t: {}
    return {}
"""
RIGHT_R = "abs(L(t) - L(0) - t * claimed)"
BUG = """
mistake = {}
def repaired(net, theta, X, Y):
    p = net.backward_pass(theta, X, Y)
    dZ1 = p.dH1 * p.phi1
    dW1, db1 = X.T @ dZ1, dZ1.{}(0)
    dW2, db2 = p.H1.T @ p.dF, p.dF.{}(0)
    return {}
"""
PACKED = "np.concatenate([dW1.ravel(), db1, dW2.ravel(), db2])"
STEP = """
def best_step(x, hs):
    {}
    h = hs[:, None]
    errors = np.abs({} - {})
    return {}
"""
CENTRAL = "(np.exp(x + h) - np.exp(x - h)) / (h + h)"
TRUE = "np.exp(x.astype(float))"
BEST = "hs[np.median(errors, 1).argmin()]"
RIGHT = [
    ("03.1", PENCIL.format("Fraction('3.01')", "Fraction('2.99')")),
    ("03.1", PENCIL.format("3.01", "2.99")),
    ("03.1", PENCIL.format("'301/100'", "'299/100'")),
    ("03.1", PENCIL.format("Fraction(3.01)", "Fraction(2.99)")),
    ("03.1", PENCIL.format("'3,01'", "[2.99]")),
    ("03.1", PENCIL.format("((1 + .1)**3 - (1 - .1)**3) / .2", "3 - .1**2")),
    (
        "03.2",
        DIFFERENCES.format(
            "(support_loss(sheet, W2 + e) - support_loss(sheet, W2 - e)) / 2"
        ),
    ),
    (
        "03.2",
        "def differences(sheet):\n"
        "    return sheet.values['H1_1_s'].T @ sheet.values['dF_s']",
    ),
    (
        "03.2",
        "def differences(sheet):\n    W = sheet.values['W2'].astype(float)\n"
        "    pair = lambda e: support_loss(sheet, W + e) - support_loss(sheet, W - e)\n"
        "    return [pair(np.eye(3)[:, [i]]) / 2 for i in range(3)]",
    ),
    ("03.3", EXPONENT.format(RIGHT_R, "np.log2(R(t) / R(t / 2))")),
    (
        "03.3",
        "import math\n" + EXPONENT.format(RIGHT_R, "math.log(R(t) / R(t / 2), 2)"),
    ),
    (
        "03.3",
        EXPONENT.format(
            RIGHT_R, "np.polyfit(np.log([t, t / 2]), np.log([R(t), R(t / 2)]), 1)[0]"
        ),
    ),
    ("03.4", BUG.format("'C '", "sum", "sum", PACKED)),
    (
        "03.4",
        BUG.format("'c) a bias is averaged'", "sum", "sum", PACKED).replace(
            "a bias", "bias"
        ),
    ),
    (
        "03.4",
        BUG.format(
            "'c'",
            "sum",
            "sum",
            "net.pack(np.vstack([dW1, db1]), np.vstack([dW2, db2]))",
        ),
    ),
    (
        "03.4",
        "mistake = 'c'\ndef repaired(net, theta, X, Y):\n"
        "    s = suspect(net, theta, X, Y); b = net.blocks(s)\n"
        "    b['b1'][:] *= len(X); b['b2'][:] *= len(X)\n    return s",
    ),
    ("03.5", STEP.format("pass", CENTRAL, TRUE, BEST)),
    ("03.5", STEP.format("pass", CENTRAL, TRUE, "hs[errors.mean(1).argmin()]")),
    (
        "03.5",
        STEP.format("pass", CENTRAL, "np.exp(np.float64(x))", "float(" + BEST + ")"),
    ),
    ("03.5", STEP.format("pass", CENTRAL, "np.exp(x, dtype=float)", BEST)),
    ("03.5", STEP.format("from math import exp", CENTRAL, "[exp(v) for v in x]", BEST)),
]
WRONG = [
    ("03.1", PENCIL.format("3", "2.99"), "by_central", "derivative"),
    ("03.1", PENCIL.format("6.02", "2.99"), "by_central", "without the factor 2"),
    ("03.1", PENCIL.format("3.01", "3.01"), "by_complex", "sign of the h²"),
    ("03.1", PENCIL.format("'0.301'", "2.99"), "by_central", "without the factor h"),
    (
        "03.1",
        PENCIL.format("3.31", "2.99"),
        "by_central",
        "this is the forward difference",
    ),
    ("03.1", PENCIL.format("3.0", "2.99"), "by_central", ""),
    ("03.1", PENCIL.format("3.1", "2.99"), "by_central", ""),
    (
        "03.2",
        "def differences(sheet): return sheet.values['dW2_s']",
        "differences",
        "own gradient",
    ),
    (
        "03.2",
        DIFFERENCES.format("support_loss(sheet, W2 + e) - support_loss(sheet, W2)"),
        "differences",
        "forward",
    ),
    (
        "03.2",
        DIFFERENCES.format("support_loss(sheet, W2 + e) - support_loss(sheet, W2 - e)"),
        "differences",
        "without the division by 2",
    ),
    (
        "03.2",
        DIFFERENCES.format(
            "(support_loss(sheet, W2 - e) - support_loss(sheet, W2 + e)) / 2"
        ),
        "differences",
        "the sign is turned",
    ),
    (
        "03.2",
        DIFFERENCES.format(
            "0; W2[i] += 1; a = support_loss(sheet, W2); W2[i] -= 1;"
            " slopes[i] = a - support_loss(sheet, W2)"
        ),
        "differences",
        "forward",
    ),
    (
        "03.2",
        "def differences(sheet):\n    W2 = sheet.values['W2']\n    W2 += 1\n"
        "    return W2",
        "differences",
        "in place",
    ),
    ("03.2", DIFFERENCES.format("print(e)"), "differences", ""),
    (
        "03.3",
        EXPONENT.format(RIGHT_R, "R(t) / R(t / 2)"),
        "for a right derivative, for a wrong one",
        "without log2",
    ),
    (
        "03.3",
        EXPONENT.format(RIGHT_R, "np.log(R(t) / R(t / 2))"),
        "for a right derivative, for a wrong one",
        "base 2",
    ),
    (
        "03.3",
        EXPONENT.format(RIGHT_R, "np.log2(R(t / 2) / R(t))"),
        "for a right derivative, for a wrong one",
        "the sign is turned",
    ),
    (
        "03.3",
        EXPONENT.format("L(t) - L(0) - t * claimed", "np.log2(R(t) / R(t / 2))"),
        "for a wrong one",
        "absolute value",
    ),
    (
        "03.3",
        EXPONENT.format("abs(L(t) - L(0) - claimed)", "np.log2(R(t) / R(t / 2))"),
        "for a right derivative, for a wrong one",
        "t · claimed",
    ),
    (
        "03.3",
        EXPONENT.format("2", "2.0"),
        "for a right derivative, for a wrong one",
        "same for every",
    ),
    (
        "03.4",
        "mistake = 'c'\nrepaired = lambda net, theta, X, Y: net.gradient(theta, X, Y)",
        "repaired",
        "calls gradient",
    ),
    ("03.4", BUG.format("'c'", "sum", "mean", PACKED), "repaired", "block b2"),
    ("03.4", BUG.format("'c'", "mean", "sum", PACKED), "repaired", "block b1"),
    ("03.4", BUG.format("'a'", "sum", "sum", PACKED), "mistake", "W1 and W2 right"),
    (
        "03.4",
        BUG.format("'b, c'", "sum", "sum", PACKED),
        "mistake",
        "give one of a, b, c",
    ),
    ("03.4", BUG.format("13", "sum", "sum", PACKED), "mistake", "give one of a, b, c"),
    ("03.4", "mistake = 'c'; repaired = suspect", "repaired", "averaged"),
    ("03.4", BUG.format("'c'", "sum", "sum", "dW1, db1, dW2, db2"), "repaired", ""),
    (
        "03.5",
        STEP.format("pass", "(np.exp(x + h) - np.exp(x)) / h", TRUE, BEST),
        "float32, float64",
        "forward",
    ),
    (
        "03.5",
        STEP.format("pass", CENTRAL, TRUE, "np.median(errors, 1).argmin()"),
        "float32, float64",
        "index",
    ),
    (
        "03.5",
        STEP.format(
            "x, hs = x.astype(float), hs.astype(float)", CENTRAL, "np.exp(x)", BEST
        ),
        "float32",
        "float64 throughout",
    ),
    ("03.5", STEP.format("pass", CENTRAL, "np.exp(x)", BEST), "float32", "in float64"),
    (
        "03.5",
        STEP.format("pass", CENTRAL, "np.exp(x).astype(float)", BEST),
        "float32",
        "in float64",
    ),
    (
        "03.5",
        "def best_step(x, hs): return np.finfo(x.dtype).eps ** (1 / 3)",
        "float32, float64",
        "not one of hs",
    ),
    ("03.5", "def best_step(x, hs): return hs[-1]", "float32, float64", "least"),
]
