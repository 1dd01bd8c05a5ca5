"""Answers to the exercises of chapter 06, as people give them, and what is said."""

HAND = """
g1, g2, l1, l2 = given("06.1").values()
dalpha1, dalpha2 = {}, {}
"""
LOOP = """
def d_alpha_of(net, theta, alpha, batch, steps, order=2):
    X, Y = batch.X_s, batch.Y_s
    thetas, g = [theta], []
    for _ in range(steps):
        g.append(net.gradient({at}, X, Y))
        thetas.append({start} - alpha * g[-1])
    lam = net.gradient({query}, batch.X_q, batch.Y_q)
    d_alpha = np.zeros_like(lam)
    for j in {back}:
        {before}d_alpha = d_alpha {sign} g[j] * lam
        if {when}:
            lam = lam - {product}
        {after}
    return {out}
"""
RIGHT_LOOP = {
    "at": "thetas[-1]",
    "start": "thetas[-1]",
    "query": "thetas[-1]",
    "back": "reversed(range(steps))",
    "before": "",
    "sign": "-",
    "when": "order == 2",
    "product": "hvp(net, thetas[j], X, Y, alpha * lam)",
    "after": "pass",
    "out": "d_alpha.mean(0)",
}
LATE = {"before": "pass  # ", "after": "d_alpha = d_alpha - g[j] * lam"}
BUG = """
mistake = {mistake}
def repaired(net, theta, alpha, batch, steps):
    thetas, g = [theta], []
    for _ in range(steps):
        g.append(net.gradient(thetas[-1], batch.X_s, batch.Y_s))
        thetas.append(thetas[-1] - alpha * g[-1])
    lam = net.gradient(thetas[-1], batch.X_q, batch.Y_q)
    d_alpha = np.zeros_like(lam)
    for j in reversed(range(steps)):
        {one}
        {two}
    return {out}
"""
ALPHA = "d_alpha = d_alpha - g[j] * lam"
CARRY = "lam = lam - hvp(net, thetas[j], batch.X_s, batch.Y_s, alpha * lam)"
RIGHT_BUG = {
    "mistake": "4",
    "one": ALPHA,
    "two": CARRY,
    "out": "lam.mean(0), d_alpha.mean(0)",
}
SIGNS = "from fractions import Fraction\nalpha_A = {}; alpha_B = {}"
A, B = "[.5, .5]", "[-1, 3 / 7]"
MEDIAN = """
def median_error(size, steps, n=40):
    errors = []
    for seed in range({n}):
        case = problem(seed, size)
        first = meta_gradient(*case, steps, order=1).d_alpha
        exact = meta_gradient(*case, steps).d_alpha
        errors.append({error})
    return {out}
largest = {largest}
"""
RIGHT_MEDIAN = {
    "n": "n",
    "error": "relative_error(first, exact)",
    "out": "np.median(errors)",
    "largest": "0.01",
}


def loop(**changed):
    return LOOP.format(**RIGHT_LOOP | changed)


def bug(**changed):
    return BUG.format(**RIGHT_BUG | changed)


def median(**changed):
    return MEDIAN.format(**RIGHT_MEDIAN | changed)


BY_TASK = """
def d_alpha_of(net, theta, alpha, batch, steps, order=2):
    total = 0
    for X, Y, Xq, Yq in zip(batch.X_s, batch.Y_s, batch.X_q, batch.Y_q):
        points = [theta]
        for _ in range(steps):
            points.append(points[-1] - alpha * net.gradient(points[-1], X, Y))
        lam = net.gradient(points.pop(), Xq, Yq)
        while points:
            total = total - net.gradient(points[-1], X, Y) * lam
            if order > 1:
                lam = lam - hvp(net, points[-1], X, Y, alpha * lam)
            points.pop()
    return total / len(batch)
"""
BOTH = "order 2, order 1"
RIGHT = [
    ("06.3", bug(mistake="'mistake 4'")),
    ("06.3", bug(out="{'d_alpha': d_alpha.mean(0), 'd_theta': lam.mean(0)}")),
    ("06.1", HAND.format("-g1 * l1", "-g2 * l2")),
    ("06.1", HAND.format("(-g1 * l1).tolist()", "(-g2 * l2).ravel()")),
    ("06.1", HAND.format("[[str(x) for x in r] for r in -g1 * l1]", "-(g2 * l2).T")),
    ("06.1", HAND.format("(-g1 * l1).astype(float)", "(-g2 * l2).astype(np.float32)")),
    ("06.2", loop()),
    ("06.2", BY_TASK),
    ("06.2", loop(out="-np.mean(-d_alpha, axis=0)")),
    ("06.2", loop(out="d_alpha.mean(0).tolist()")),
    ("06.2", loop(when="exact == 2").replace("order=2", "exact=2")),
    (
        "06.2",
        BY_TASK + "inner = d_alpha_of\ndef d_alpha_of(*a, **b): return inner(*a, **b)",
    ),
    ("06.2", loop(out="d_alpha.mean(0, keepdims=True)")),
    ("06.3", bug()),
    ("06.3", bug(mistake="'4'")),
    ("06.3", bug(mistake="CATALOGUE[4].name")),
    ("06.3", bug(mistake="'4 ' + CATALOGUE[4].name")),
    ("06.3", bug(mistake="4.0", out="[lam.mean(0), d_alpha.mean(0)]")),
    ("06.3", bug(out="np.array([lam, d_alpha]).mean(1)")),
    ("06.4", SIGNS.format("['1/2', '1/2']", "['-1', '3/7']")),
    ("06.4", SIGNS.format(A, B)),
    ("06.4", SIGNS.format("(.5, .5)", "(-1, .43)")),
    ("06.4", SIGNS.format("np.full(2, .5)", "[Fraction(-1), Fraction(3, 7)]")),
    ("06.4", SIGNS.format("'1/2, 1/2'", "'[-1; 3/7]'")),
    ("06.4", SIGNS.format("[[.5], [.5]]", "[[-1, 0.42857]]")),
    ("06.5", median()),
    (
        "06.5",
        median(out="sorted(errors)[n // 2] / 2 + sorted(errors)[(n - 1) // 2] / 2"),
    ),
    ("06.5", median(largest="'0.01'")),
    (
        "06.5",
        median(error="np.linalg.norm(first - exact) / np.linalg.norm(exact)"),
    ),
]
WRONG = [
    ("06.5", median(n="1, n + 1"), "median_error", "not right"),
    ("06.1", HAND.format("g1 * l1", "-g2 * l2"), "dalpha1", ""),
    ("06.1", HAND.format("-g1 * l1", "g2 * l2"), "dalpha2", ""),
    ("06.1", HAND.format("-g1 @ l1", "-g2 * l2"), "dalpha1", ""),
    ("06.1", HAND.format("-g1 * g1", "-g2 * g2"), "dalpha1, dalpha2", ""),
    ("06.1", HAND.format("l1", "-g2 * l2"), "dalpha1", ""),
    ("06.1", HAND.format("-g1 * l1", "(-g2 * l2).sum()"), "dalpha2", "shape"),
    ("06.1", HAND.format("None", "-g2 * l2"), "dalpha1", "no answer"),
    ("06.2", loop(sign="+"), BOTH, "this is mistake 3, the sign"),
    ("06.2", loop(**LATE), "order 2", "before λ is carried back"),
    ("06.2", loop(out="d_alpha.sum(0)"), BOTH, "a sum over the tasks"),
    ("06.2", loop(out="d_alpha"), BOTH, "average over the tasks"),
    ("06.2", loop(when="True"), "order 1", "is carried back"),
    ("06.2", loop(when="False"), "order 2", "is not carried back"),
    (
        "06.2",
        loop(product="alpha * hvp(net, thetas[j], X, Y, lam)"),
        "order 2",
        "mistake 4",
    ),
    ("06.2", loop(product="hvp(net, thetas[j], X, Y, lam)"), "order 2", ""),
    ("06.2", loop(start="theta"), BOTH, ""),
    ("06.2", loop(query="theta"), BOTH, ""),
    (
        "06.2",
        loop().replace("batch.X_q, batch.Y_q", "X, Y"),
        BOTH,
        "not of the support loss",
    ),
    (
        "06.2",
        loop(product="hvp(net, thetas[j + 1], X, Y, alpha * lam)"),
        "order 2",
        "not at θ_(j+1)",
    ),
    ("06.2", loop(back="range(steps)"), "order 2", ""),
    ("06.2", loop(out="lam.mean(0)"), BOTH, ""),
    (
        "06.2",
        "def d_alpha_of(*problem, order=2):\n"
        "    return meta_gradient(*problem, order=order).d_alpha",
        BOTH,
        "calls meta_gradient",
    ),
    (
        "06.2",
        "def d_alpha_of(net, theta, alpha, batch, steps):\n    return theta",
        BOTH,
        "arguments that the exercise names",
    ),
    ("06.3", bug(mistake="2"), "mistake", "another dθ"),
    (
        "06.3",
        bug().replace("repaired", "good")
        + bug(
            one=CARRY.replace("hvp", "alpha * hvp").replace("alpha * lam", "lam"),
            two=ALPHA,
            out="good(net, theta, alpha, batch, steps)[0], d_alpha.mean(0)",
        ),
        "dα",
        "as `broken` leaves it",
    ),
    ("06.3", bug(mistake="CATALOGUE[5].name"), "mistake", "another dθ"),
    ("06.3", bug(mistake="9"), "mistake", "give one of 1, 2, 3, 4, 5, 6, 7"),
    ("06.3", bug(mistake="'late'"), "mistake", "give one of 1, 2, 3, 4, 5, 6, 7"),
    ("06.3", bug(one=CARRY, two=ALPHA), "dα", "before λ is carried back"),
    (
        "06.3",
        bug(two=CARRY.replace("hvp", "alpha * hvp").replace("alpha * lam", "lam")),
        "dθ, dα",
        "mistake 4",
    ),
    ("06.3", "mistake = 4; repaired = broken", "dθ, dα", ""),
    ("06.3", bug(out="lam.mean(0)"), "dθ, dα", "39 came"),
    ("06.3", bug(out="d_alpha.mean(0), lam.mean(0)"), "dθ, dα", ""),
    (
        "06.3",
        "mistake = 4\ndef repaired(*a):\n"
        "    m = meta_gradient(*a); return m.d_theta, m.d_alpha",
        "dθ, dα",
        "calls meta_gradient",
    ),
    ("06.4", SIGNS.format(A, "[1, 3 / 7]"), "alpha_B", "is right but for signs: where"),
    ("06.4", SIGNS.format(A, "[1, -3 / 7]"), "alpha_B", "sign is turned"),
    ("06.4", SIGNS.format("[1, 1]", B), "alpha_A", "is twice what it should be"),
    ("06.4", SIGNS.format("[.25, .25]", B), "alpha_A", "is half of what it should be"),
    ("06.4", SIGNS.format("[-.5, .5]", B), "alpha_A", ""),
    ("06.4", SIGNS.format(A, "[-1, 7 / 3]"), "alpha_B", ""),
    ("06.4", SIGNS.format(A, "[-1]"), "alpha_B", "shape"),
    ("06.4", SIGNS.format("None", B), "alpha_A", "no answer"),
    ("06.5", median(out="np.mean(errors)"), "median_error", "mean"),
    (
        "06.5",
        median(error="relative_error(exact, first)"),
        "median_error",
        "with first for exact",
    ),
    (
        "06.5",
        median(error="np.linalg.norm(first - exact)"),
        "median_error",
        "without the division by exact",
    ),
    ("06.5", median(out="100 * np.median(errors)"), "median_error", "percent"),
    ("06.5", median(out="errors"), "median_error", ""),
    ("06.5", median(n="40"), "median_error", "n is not used"),
    ("06.5", median(largest="0.003"), "largest", "larger one"),
    ("06.5", median(largest="0.03"), "largest", "10 % or more"),
    ("06.5", median(largest="0.02"), "largest", "four sizes"),
    ("06.5", median(largest="None"), "largest", "no answer"),
]
