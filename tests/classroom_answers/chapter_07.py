"""Answers to the exercises of chapter 07, as people give them, and what is said."""

OUTER = "d_alpha2 = {}; alpha2_new = {}"
ADAM = """
first_move = {move}
def repaired(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = {m}
    v = {v}
    {hats}
    return {out}
"""
RIGHT_ADAM = {
    "move": "3.16",
    "m": "beta1 * m + (1 - beta1) * g",
    "v": "beta2 * v + (1 - beta2) * g**2",
    "hats": "a, b = m / (1 - beta1**t), v / (1 - beta2**t)",
    "out": "w - rate * a / (np.sqrt(b) + epsilon), m, v",
}
DECAY = """
import math
def cosine_rate(rate, t, n):
    return {}
quarter = {}
"""
COSINE = "rate * (1 + np.cos(np.pi * (t - 1) / n)) / 2"
BLOCKS = """
def share(net, d):
    {}
    for b in net.blocks(d).values():
        {}
    return d
"""
SHARE = """
def best_share(net, theta, alpha, X, Y):
    g = net.gradient(theta, X, Y)
    u = alpha * g
    Hu, Hg = hvp(net, theta, X, Y, u), hvp(net, theta, X, Y, g)
    return {}
"""


def adam(**changed):
    return ADAM.format(**RIGHT_ADAM | changed)


RIGHT = [
    ("07.1", OUTER.format("[60, 18, -2]", "[-7.25, -2.5, 0]")),
    ("07.1", OUTER.format("'[60; 18; -2]'", "[['-7 1/4'], ['−5/2'], ['0']]")),
    ("07.1", OUTER.format("(60., 18., -2.)", "[-29/4, -20/8, 0/8]")),
    ("07.1", OUTER.format("np.array([[60], [18], [-2]])", "'-29/4, -5/2, 0'")),
    ("07.2", adam()),
    (
        "07.2",  # the efficient form
        adam(
            move="10**.5",
            hats="a = rate * np.sqrt(1 - beta2**t) / (1 - beta1**t)",
            out="w - a * m / (np.sqrt(v) + epsilon), m, v",
        ),
    ),
    (
        "07.2",
        adam(
            move="'3.16'",
            hats="d = np.sqrt(v) / math.sqrt(1 - beta2**t) + epsilon",
            out="[w - rate / (1 - beta1**t) * m / d, m, v]",
        ).replace("first", "import math\nfirst", 1),
    ),
    ("07.2", adam(move="0.1 / np.sqrt(0.001)", m="m + (1 - beta1) * (g - m)")),
    (
        "07.2",
        adam(move="np.float32(3.1623)", v="np.maximum(beta2*v + (1-beta2)*g*g, 0)"),
    ),
    ("07.3", DECAY.format("rate * math.cos(math.pi * (t - 1) / (2 * n))**2", "1335.0")),
    ("07.3", DECAY.format("rate * (1 - math.sin(math.pi*(t-1)/2/n)**2)", "'1335'")),
    (
        "07.3",
        DECAY.format(
            COSINE, "next(t for t in range(1, 2001) if cosine_rate(1, t, 2000) <= 1/4)"
        ),
    ),
    ("07.4", BLOCKS.format("d = d.copy()", "b[...] = b.sum()")),
    ("07.4", BLOCKS.format("d = 1 * d", "b[:] = np.sum(b)")),
    (
        "07.4",
        "def share(net, d):\n    return np.concatenate("
        "[np.full(b.size, b.sum()) for b in net.blocks(d).values()])",
    ),
    (
        "07.4",
        "def share(net, d):\n    n = [b.size for b in net.blocks(d).values()]\n"
        "    e = np.cumsum(n)\n"
        "    return [d[j - k:j].sum() for j, k in zip(e, n) for _ in range(k)]",
    ),
    ("07.5", SHARE.format("(g @ u) / (u @ Hu)")),
    ("07.5", SHARE.format("[np.vdot(g, u) / np.vdot(Hu, u)]")),
    ("07.5", SHARE.format("(alpha * g * g).sum() / (u * Hu).sum()")),
    (
        "07.5",  # the lowest point of a parabola through three losses
        SHARE.format("-b / (2 * a)").replace(
            "    return",
            "    L = [net.loss(theta - s * u, X, Y) for s in (0, 1, 2)]\n"
            "    a = (L[0] - 2 * L[1] + L[2]) / 2; b = L[1] - L[0] - a\n    return",
        ),
    ),
]
BOTH = "d_alpha2, alpha2_new"
WRONG = [
    (
        "07.1",
        OUTER.format("[-60, -18, 2]", "[-7.25, -2.5, 0]"),
        "d_alpha2",
        "without the minus",
    ),
    (
        "07.1",
        OUTER.format("[-60, -18, 2]", "[7.75, 2, '-1/2']"),
        "d_alpha2",
        "without the minus",
    ),
    (
        "07.1",
        OUTER.format("[60, 18, -2]", "[7.75, 2, '-1/2']"),
        BOTH[10:],
        "with + for −",
    ),
    (
        "07.1",
        OUTER.format("[60, 18, -2]", "['-239/4', '-73/4', 1.75]"),
        BOTH[10:],
        "without the factor η",
    ),
    ("07.1", OUTER.format("[60, 18, -2]", "[7.5, 2.25, '-1/4']"), BOTH[10:], "alone"),
    (
        "07.1",
        OUTER.format("[60, 18, -2]", "[1.5, 0.5, '-1/2']"),
        BOTH[10:],
        "with λ for dα",
    ),
    ("07.1", OUTER.format("[60, 18, -2]", "[1, 2]"), BOTH[10:], "shape (2,)"),
    ("07.1", OUTER.format("[60, 18, -2]", "None"), BOTH[10:], "no answer"),
    ("07.1", OUTER.format("['x', 1, 2]", "[-7.25, -2.5, 0]"), BOTH[:8], "not a finite"),
    ("07.2", adam(move="0.1"), "first_move", "without the division by sqrt(v)"),
    ("07.2", adam(move="1"), "first_move", "once it is repaired"),
    ("07.2", adam(move="100"), "first_move", "without sqrt"),
    ("07.2", adam(move="0.316"), "first_move", "upside down"),
    ("07.2", adam(hats="a, b = m, v"), "repaired", "nothing is corrected"),
    (
        "07.2",
        adam(hats="a, b = m / (1 - beta1**t), v"),
        "repaired",
        "w: this is the value without",
    ),
    (
        "07.2",
        adam(hats="a, b = m, v / (1 - beta2**t)"),
        "repaired",
        "w: this is the value without",
    ),
    (
        "07.2",
        adam(hats="a, b = m / (1 - beta1 * t), v / (1 - beta2 * t)"),
        "repaired",
        "w: holds inf or nan",
    ),
    (
        "07.2",
        adam(hats="a, b = m / (1 - beta2**t), v / (1 - beta1**t)"),
        "repaired",
        "β₁ belongs to m",
    ),
    (
        "07.2",
        adam(hats="a, b = m / (1 - beta1**(t - 1)), v / (1 - beta2**(t - 1))"),
        "repaired",
        "not t − 1",
    ),
    (
        "07.2",
        adam(out="w - rate * a / np.sqrt(b + epsilon), m, v"),
        "repaired",
        "not inside it",
    ),
    (
        "07.2",
        adam(out="w + rate * a / (np.sqrt(b) + epsilon), m, v"),
        "repaired",
        "w: this is the value with + for −",
    ),
    (
        "07.2",
        adam(out="w - rate * a / (b**.5 + epsilon), a, b"),
        "repaired",
        "m: is divided",
    ),
    ("07.2", adam(out="w - rate * a / (b**.5 + epsilon)"), "repaired", "expected 3"),
    ("07.2", adam(m="0.9 * m + 0.1 * g"), "repaired", "beta1 is an argument"),
    (
        "07.2",
        adam(v="v * beta2; v += (1 - beta2) * g"),
        "repaired",
        "v: this is the value with",
    ),
    ("07.2", adam(hats="m *= 1; a, b = mm, v"), "repaired", "mm"),
    ("07.2", "first_move = 3.16\nrepaired = slow_start", "repaired", "nothing is"),
    (
        "07.3",
        DECAY.format("rate*(1 + np.cos(np.pi*t/n))/2", "1335"),
        "cosine_rate",
        "t − 1",
    ),
    (
        "07.3",
        DECAY.format(COSINE.replace("/ n", "/ (n-1)"), "1335"),
        "cosine_rate",
        "not by n",
    ),
    (
        "07.3",
        DECAY.format("rate * (1 - (t - 1)/n)", "1335"),
        "cosine_rate",
        "in a line",
    ),
    (
        "07.3",
        DECAY.format("rate * np.cos(np.pi*(t - 1)/n/2)", "1335"),
        "cosine_rate",
        "quarter of a wave",
    ),
    (
        "07.3",
        DECAY.format(COSINE[7:], "1335"),
        "cosine_rate",
        "without the factor rate",
    ),
    (
        "07.3",
        DECAY.format(COSINE[:-4], "1335"),
        "cosine_rate",
        "without the division by 2",
    ),
    ("07.3", DECAY.format(COSINE, "1334"), "quarter", "not yet"),
    ("07.3", DECAY.format(COSINE, "1336"), "quarter", "earlier"),
    ("07.3", DECAY.format(COSINE, "501"), "quarter", "not of the run"),
    ("07.3", DECAY.format(COSINE, "1501"), "quarter", "line"),
    ("07.3", DECAY.format(COSINE, "1333.3"), "quarter", "not right"),
    ("07.3", DECAY.format(COSINE, "cosine_rate"), "quarter", "is a function"),
    ("07.4", BLOCKS.format("", "b[...] = b.sum()"), "share", "argument d in place"),
    ("07.4", BLOCKS.format("d = d.copy()", "b[...] = b.mean()"), "share", "a mean"),
    (
        "07.4",
        BLOCKS.format("d = d.copy()", "b = b.sum()"),
        "share",
        "nothing was written",
    ),
    (
        "07.4",
        "def share(net, d): return np.full_like(d, d.sum())",
        "share",
        "mistake 10",
    ),
    (
        "07.4",
        BLOCKS.format("d = d.copy()", "b[...] = b.sum()").replace(
            "net.blocks(d).values()", "net.unpack(d)"
        ),
        "share",
        "four blocks",
    ),
    (
        "07.4",
        "def share(net, d): return [b.sum() for b in net.blocks(d).values()]",
        "share",
        "every entry",
    ),
    ("07.4", "def share(net, d): d.copy()", "share", "return"),
    ("07.5", SHARE.format("g @ g / (u @ Hu)"), "best_share", "with g for u"),
    ("07.5", SHARE.format("g @ u / (g @ Hg)"), "best_share", "not g"),
    ("07.5", SHARE.format("g @ u / (u @ Hg)"), "best_share", "with g for u"),
    ("07.5", SHARE.format("g @ u / (u @ Hu) / 2"), "best_share", "half"),
    ("07.5", SHARE.format("g * u / (u * Hu)"), "best_share", "one number"),
    ("07.5", SHARE.format("1.04 * (g @ u) / (u @ Hu)"), "best_share", "not right"),
    ("07.5", SHARE.format("-(g @ u) / (u @ Hu)"), "best_share", "sign is turned"),
    ("07.5", SHARE.format("u @ u / (u @ Hu)"), "best_share", "with u for g"),
    ("07.5", SHARE.format("u @ Hu / (g @ u)"), "best_share", "upside down"),
    ("07.5", SHARE.format("g @ u / (u @ H)"), "best_share", "line 6"),
]
