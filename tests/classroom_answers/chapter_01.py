"""Answers to the exercises of chapter 01, as people give them, and what is said."""

RATE = """
def best_single_rate(h):
    {}
"""
PATH = """
def descend_fixed(theta, alpha, steps):
    {}
    for _ in range(steps):
        {}
    return {}
"""
WAY = """
def rates_to_bottom(starts):
    d = starts - np.array([2, -1])
    return {}
share_negative = {}
"""
G = "(d @ np.array([[1, 1], [1, 2]]))"
RIGHT = [
    ("01.1", "landed = '2'; slopes = ['4', '1', '-8']"),
    ("01.1", "landed = [2.0]; slopes = np.array([[4.0], [1], [-8]])"),
    ("01.1", "landed = np.float32(2); slopes = ([4, 1, '−8'],)"),
    ("01.1", "landed = '4/2'; slopes = '[4, 1, -8]'"),
    ("01.2", RATE.format("r = 2. / (h.min() + h.max()); return r, abs(1 - r*h).max()")),
    (
        "01.2",
        RATE.format(
            "a, b = min(h), max(h); return np.array([2 / (a + b), (b - a) / (a + b)])"
        ),
    ),
    ("01.2", RATE.format("s = sorted(h); r = 2/(s[0]+s[-1]); return [r, 1 - r*s[0]]")),
    (
        "01.2",
        RATE.format(
            "g = np.linspace(0, 2 / h.max(), 200001); f = abs(1 - g[:, None]*h).max(1);"
            " return g[f.argmin()], f.min()"
        ),
    ),
    (
        "01.3",
        PATH.format(
            "theta = theta.copy(); path = [theta.copy()]",
            "theta -= alpha * gradient(theta); path.append(theta.copy())",
            "np.array(path)",
        ),
    ),
    (
        "01.3",
        PATH.format(
            "p = [tuple(theta)]",
            "p.append(tuple(np.array(p[-1]) - alpha * gradient(np.array(p[-1]))))",
            "p",
        ),
    ),
    (
        "01.3",
        "def descend_fixed(theta, alpha, steps):\n"
        "    r = 1 - alpha * np.array([1, 4])\n"
        "    return theta * r ** np.arange(steps + 1)[:, None]",
    ),
    ("01.4", "after_one = np.array([0., -3]); after_two = 0, 0; highest_loss = 18.0"),
    ("01.4", "after_one = '[0; -3]'; after_two = [[0], [0]]; highest_loss = '36/2'"),
    ("01.4", "after_one = [0, '−3']; after_two = ['0', '0']; highest_loss = [18]"),
    ("01.5", WAY.format(f"d / {G}", "'1/4'")),
    ("01.5", WAY.format(f"d / {G}", "25")),
    ("01.5", WAY.format(f"(d / {G}).tolist()", "'25 %'.strip(' %')")),
    (
        "01.5",
        WAY.format(f"d / {G}", "np.mean(np.asarray(rates_to_bottom(ring))[:, 0] < 0)"),
    ),
]
WRONG = [
    ("01.1", "landed = 2; slopes = [4, 1, 8]", "dα", "sign"),
    ("01.1", "landed = 2; slopes = [4, 2, -8]", "dθ", "λ"),
    ("01.1", "landed = 2; slopes = [4, 1, -16]", "dα", "g twice"),
    ("01.1", "landed = 2.5; slopes = [2, 1.5, -6]", "g", "without the factor h"),
    ("01.1", "landed = 4; slopes = [4, 1, -8]", "θ′", "with + for −"),
    ("01.1", "landed = 1; slopes = [4, 1, -8]", "θ′", "with α g alone"),
    ("01.1", "landed = 2; slopes = [1, 4, -8]", "g, dθ", ""),
    ("01.1", "landed = 2; slopes = [4, 1]", "θ′, g, dθ, dα", "2 came"),
    ("01.1", "landed = 'two'; slopes = [4, 1, -8]", "θ′", "not a finite number"),
    ("01.2", RATE.format("r = 1/max(h); return r, max(abs(1 - r*h))"), "rate", "steep"),
    (
        "01.2",
        RATE.format("r = len(h)/sum(h); return r, max(abs(1 - r*h))"),
        "rate",
        "mean",
    ),
    (
        "01.2",
        RATE.format("r = 2/(h[0]+h[-1]); return r, max(abs(1 - r*h))"),
        "rate",
        "not sorted",
    ),
    (
        "01.2",
        RATE.format("r = 2/(min(h)+max(h)); return r, 1 - r*max(h)"),
        "factor",
        "sign",
    ),
    ("01.2", RATE.format("return 2/(min(h)+max(h))"), "rate, factor", "1 came"),
    ("01.2", RATE.format("print(2/(min(h)+max(h)), 0.6)"), "rate, factor", "return"),
    ("01.2", RATE.format("return .4, .65"), "rate, factor", "not right"),
    (
        "01.2",
        RATE.format("h.sort(); return 2/(h[0]+h[-1]), 0"),
        "rate, factor",
        "place",
    ),
    ("01.2", "best_single_rate = 0.4, 0.6", "rate, factor", "expected a function"),
    (
        "01.3",
        PATH.format(
            "path = [theta.copy()]",
            "theta -= alpha * gradient(theta); path.append(theta.copy())",
            "np.array(path)",
        ),
        "descend_fixed",
        "in place",
    ),
    (
        "01.3",
        PATH.format(
            "theta = theta.copy(); path = [theta]",
            "theta -= alpha * gradient(theta); path.append(theta)",
            "path",
        ),
        "descend_fixed",
        "same point",
    ),
    (
        "01.3",
        PATH.format(
            "path = []",
            "theta = theta - alpha * gradient(theta); path.append(theta)",
            "path",
        ),
        "descend_fixed",
        "start belongs",
    ),
    (
        "01.3",
        PATH.format(
            "path = [theta]",
            "theta = theta + alpha * gradient(theta); path.append(theta)",
            "path",
        ),
        "descend_fixed",
        "with + for −",
    ),
    (
        "01.3",
        PATH.format("path = [theta]", "path.append(theta - gradent(theta))", "path"),
        "descend_fixed",
        "line 5: path.append(theta - gradent(theta))",
    ),
    (
        "01.4",
        "after_one = [0, -3]; after_two = [0, 0]; highest_loss = 10",
        "highest_loss",
        "start",
    ),
    (
        "01.4",
        "after_one = [0, -3]; after_two = [0, 0]; highest_loss = 36",
        "highest_loss",
        "without the division by 2",
    ),
    (
        "01.4",
        "after_one = [0, -3]; after_two = [3, 0]; highest_loss = 18",
        "after_two",
        "first landed",
    ),
    (
        "01.4",
        "after_one = [0, 3]; after_two = [0, 0]; highest_loss = 18",
        "after_one",
        "sign",
    ),
    ("01.5", WAY.format(f"-d / {G}", ".25"), "rates_to_bottom", "sign is turned"),
    ("01.5", WAY.format(f"{G} / d", ".25"), "rates_to_bottom", "upside down"),
    ("01.5", WAY.format(f"(d / {G}).T", ".25"), "rates_to_bottom", "shape"),
    (
        "01.5",
        WAY.format(f"d / {G}", "(rates_to_bottom(ring) < 0).any(1).mean()"),
        "share_negative",
        "either",
    ),
    ("01.5", WAY.format(f"d / {G}", "900"), "share_negative", "count"),
    ("01.5", WAY.format(f"d / {G}", ".75"), "share_negative", "positive"),
    ("01.5", WAY.format(f"d / {G}", "None"), "share_negative", "no answer"),
]
