"""Answers to the exercises of chapter 11, as people give them, and what is said."""

COUNT = "parameters = {}; step_sizes = {}"
ERRORS = "mean = {}; half = {}; curves = {}"
TIED = "by_block = {}; in_all = {}"
LAYERS = "dW3 = {}; dW2 = {}; dW1 = {}"
W3, W2, W1 = "[[2], [2]]", "[[-48], [-12], [-12]]", "[[-96, 48], [-48, 24]]"
PASS = """
line = {line}
sizes = {sizes}
def repaired(net, theta, X, Y):
    W1, W2, W3 = net.unpack(theta)
    ones = np.ones((len(X), 1))
    H1 = np.tanh(np.hstack([X, ones]) @ W1)
    H2 = np.tanh(np.hstack([H1, ones]) @ W2)
    d3 = 2 / len(X) * (np.hstack([H2, ones]) @ W3 - Y)
    d2 = d3 @ W3[:-1].T * (1 - {two}**2)
    d1 = {one}
    dW = np.hstack([X, ones]).T @ d1, np.hstack([H1, ones]).T @ d2
    return {end}
"""


def repair(
    line="'2.8'",
    sizes="(2, 5, 4, 3)",
    two="H2",
    one="d2 @ W2[:-1].T * (1 - H1**2)",
    end="net.pack(*dW, np.hstack([H2, ones]).T @ d3)",
):
    """An answer to exercise 5, right unless a piece is changed."""
    return PASS.format(line=line, sizes=sizes, two=two, one=one, end=end)


CALLS = """
line, sizes = 2.8, (2, 5, 4, 3)
def repaired(net, theta, X, Y):
    return net.{}
"""
RIGHT = [
    ("11.1", COUNT.format("'1761'", "['1761', '6', '1']")),
    ("11.1", COUNT.format("'1,761'.replace(',', '')", "(1761, 6.0, 1)")),
    ("11.1", COUNT.format("2 * 40 + 41 * 40 + 41", "(parameters, 6, 1)")),
    ("11.1", COUNT.format("1761", "{'scalar': 1, 'block': 6, 'entry': 1761}")),
    ("11.1", COUNT.format("[1761]", "np.array([[1761], [6], [1]])")),
    ("11.1", COUNT.format("1761", "'1761, 6, 1'")),
    ("11.2", ERRORS.format("1", "1", "6400.0")),
    ("11.2", ERRORS.format("'1.0'", "'1.00'", "'6400'")),
    ("11.2", ERRORS.format("'1,0'", "'± 1,00'", "100 * 8**2")),
    ("11.2", ERRORS.format("[1.0]", "0.9994", "100 * (0.16 / 0.02) ** 2")),
    (
        "11.2",
        "m = np.array([.2, .4, .6, .8, 3])\nmean = m.mean(); curves = 6400\n"
        "half = 1.96 * m.std(ddof=1) / 5**.5",
    ),
    ("11.3", TIED.format("['240', '−16', '96', '4']", "'324'")),
    ("11.3", TIED.format("dict(b1=-16, W1=240, W2=96, b2=4)", "324")),
    ("11.3", TIED.format("'[240; -16; 96; 4]'", "[324.0]")),
    (
        "11.3",
        "a, b = given('11.3').values()\nin_all = a.sum() + b.sum()\n"
        "by_block = np.array([a[:-1].sum(), a[-1].sum(), b[:-1].sum(), b[-1].sum()])",
    ),
    ("11.4", LAYERS.format("np.array([[2.], [2]])", W2, "[(-96, 48), (-48, 24)]")),
    (
        "11.4",
        LAYERS.format("[['2'], ['2']]", "'[-48; -12; -12]'", "'[-96 48; -48 24]'"),
    ),
    ("11.4", LAYERS.format("[2, 2]", "[-48, -12, -12]", W1)),
    ("11.4", LAYERS.format("[[2, 2]]", "(-48, -12, -12)", "[-96, 48, -48, 24]")),
    ("11.5", repair("'(2.8)'")),
    ("11.5", repair("2.8", "[1, 3, 4, 1]")),
    ("11.5", repair("np.float64(2.8)", "'2-5-4-3'")),
    ("11.5", repair("'dZ2 = dH2 * (1 - H1**2)  # (2.8)'", "np.array([1, 2, 3, 1])")),
    ("11.5", repair("'equation (2.8), the upper one'", "'2, 5, 4, 3'")),
    ("11.5", repair(sizes="dict(D=2, H1=5, H2=4, O=3)") + "suspect = repaired\n"),
    ("11.5", repair(two="np.tanh(np.hstack([H1, ones]) @ W2)")),
]
WRONG = [
    ("11.1", COUNT.format(1680, "[1761, 6, 1]"), "parameters", "bias too"),
    ("11.1", COUNT.format(121, "[1761, 6, 1]"), "parameters", "between"),
    ("11.1", COUNT.format(1720, "[1761, 6, 1]"), "parameters", "without + (K + 1) O"),
    ("11.1", COUNT.format(1760, "[1760, 6, 1]"), "parameters", "output has a bias"),
    ("11.1", COUNT.format(1682, "[1682, 6, 1]"), "parameters", "each unit"),
    ("11.1", COUNT.format(1683, "[1683, 6, 1]"), "parameters", "per unit"),
    ("11.1", COUNT.format(1761, "[1761, 3, 1]"), "block", "block of its own"),
    ("11.1", COUNT.format(1761, "[1761, 4, 1]"), "block", "is not right yet"),
    ("11.1", COUNT.format(1761, "[1761, 6, 0]"), "scalar", "learned too"),
    ("11.1", COUNT.format(1761, "[1761, 6, 3]"), "scalar", "whole network"),
    ("11.1", COUNT.format(1761, "[1762, 6, 1]"), "entry", "not right"),
    ("11.1", COUNT.format(1761, "[6, 1]"), "entry, block, scalar", "2 came"),
    ("11.1", COUNT.format(1761, "None"), "entry, block, scalar", "no answer"),
    ("11.2", ERRORS.format(0.6, 1.0, 6400), "mean", "median"),
    ("11.2", ERRORS.format(5, 1.0, 6400), "mean", "without the division by n"),
    ("11.2", ERRORS.format(1, 0.89, 6400), "half", "n − 1"),
    ("11.2", ERRORS.format(1, 2.23, 6400), "half", "without the division by sqrt(n)"),
    ("11.2", ERRORS.format(1, 2.0, 6400), "half", "twice"),
    ("11.2", ERRORS.format(1, 0.51, 6400), "half", "1.96"),
    ("11.2", ERRORS.format(1, 0.45, 6400), "half", "without the factor 1.96 spread"),
    ("11.2", ERRORS.format(1, 1.14, 6400), "half", "σ"),
    ("11.2", ERRORS.format(1, "None", 6400), "half", "no answer"),
    ("11.2", ERRORS.format(1, 1, 800), "curves", "without the power 2"),
    ("11.2", ERRORS.format(1, 1, 64), "curves", "factor"),
    ("11.2", ERRORS.format(1, 1, 6300), "curves", "in all"),
    ("11.2", ERRORS.format(1, 1, 283), "curves", "not right"),
    ("11.2", ERRORS.format(1, 1, 1.5625), "curves", "fewer"),
    ("11.3", TIED.format([120, -8, 48, 4], 324), "W1, b1, W2", "mean"),
    ("11.3", TIED.format([240, 16, 96, 4], 324), "b1", "sign"),
    ("11.3", TIED.format([240, 48, 96, 4], 324), "b1", "signs count"),
    ("11.3", TIED.format([160, 64, 96, 4], 324), "W1, b1", "last row"),
    ("11.3", TIED.format([224, -16, 100, 4], 324), "W1, W2", "the bias is a block of"),
    ("11.3", TIED.format([324] * 4, 324), "W1, b1, W2, b2", "all blocks"),
    ("11.3", TIED.format([224, 100], 324), "W1, b1, W2, b2", "2 came"),
    ("11.3", TIED.format([240, -16, 96, 4], 388), "in_all", "signs count"),
    ("11.3", TIED.format([240, -16, 96, 4], "'324/7'"), "in_all", "seven"),
    ("11.3", TIED.format([240, -16, 96, 4], 81), "in_all", "four"),
    ("11.3", TIED.format([240, -16, 96, 4], 336), "in_all", "weights alone"),
    ("11.3", TIED.format([240, -16, 30, 4], 258), "W2", "is not right yet"),
    (
        "11.4",
        LAYERS.format("[[1], [1]]", "[-24, -6, -6]", "[-48, 24, -24, 12]"),
        "dW3",
        "slope 2",
    ),
    ("11.4", LAYERS.format("[[-2], [2]]", W2, W1), "dW3", "without the power 2"),
    ("11.4", LAYERS.format("[[2], [4]]", W2, W1), "dW3", "in part"),
    ("11.4", LAYERS.format("[2]", W2, W1), "dW3", "shape"),
    (
        "11.4",
        LAYERS.format(W3, "[[24], [6], [6]]", "[[48, -24], [24, -12]]"),
        "dW2",
        "φ′(z2)",
    ),
    (
        "11.4",
        LAYERS.format(W3, "[[48], [12], [12]]", "[[96, -48], [48, -24]]"),
        "dW2",
        "sign",
    ),
    ("11.4", LAYERS.format(W3, "[[-24], [-12], [-12]]", W1), "dW2", "not z1"),
    (
        "11.4",
        LAYERS.format(W3, "[[-24], [-6], [-6]]", "[-48, 24, -24, 12]"),
        "dW2",
        "without the factor 2",
    ),
    (
        "11.4",
        LAYERS.format(W3, "[[-16], [-4], [-4]]", "[-32, 16, -16, 8]"),
        "dW2",
        "without the factor w3",
    ),
    ("11.4", LAYERS.format(W3, W2, "[[-24, 24], [-12, 12]]"), "dW1", "missing"),
    ("11.4", LAYERS.format(W3, W2, "[[-96, 48], [-96, 48]]"), "dW1", "not x"),
    ("11.4", LAYERS.format(W3, W2, "[[48, -48], [24, -24]]"), "dW1", "layer 1 has z1"),
    (
        "11.4",
        LAYERS.format(W3, W2, "[[48, -24], [24, -12]]"),
        "dW1",
        "is -0.5 times what it should",
    ),
    ("11.4", LAYERS.format(W3, W2, "[[-96, -48], [48, 24]]"), "dW1", "transposed"),
    ("11.5", repair("'2.7'"), "line", "by block"),
    ("11.5", repair("'2.6'"), "line", "by block"),
    ("11.5", repair("9"), "line", "give one of 2.5, 2.6, 2.7,"),
    ("11.5", repair(sizes="(2, 4, 4, 3)"), "sizes", "equal"),
    ("11.5", repair(sizes="(2, 1, 4, 3)"), "sizes", "broadcasts"),
    ("11.5", repair(sizes="(5, 4)"), "sizes", "2 came"),
    ("11.5", repair(sizes="(2, 5, 4.5, 3)"), "sizes", "whole"),
    ("11.5", repair(two="H1"), "repaired", "layer 1"),
    ("11.5", repair(one="d2 @ W2[:-1].T * (1 - H2**2)"), "repaired", "layer 2"),
    (
        "11.5",
        repair(two="H1", one="d2 @ W2[:-1].T * (1 - H2**2)"),
        "repaired",
        "exchanged",
    ),
    ("11.5", repair(one="d2 @ W2[:-1].T"), "repaired", "1"),
    ("11.5", repair(end="dW"), "repaired", "no array"),
    ("11.5", repair() + "repaired = suspect", "repaired", "layer 1"),
    ("11.5", CALLS.format("gradient(theta, X, Y)"), "repaired", "calls gradient"),
    (
        "11.5",
        CALLS.format("backward_pass(theta, X, Y).gradient"),
        "repaired",
        "backward",
    ),
]
