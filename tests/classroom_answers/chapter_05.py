"""Answers to the exercises of chapter 05, as people give them, and what is said."""

BOWLS = "from fractions import Fraction\njoint = {}; adapted = {}"
SHEET = """
a1, a2, l1, l2, p1, p2 = given("05.2").values()
V1, V2 = {}, {}
dtheta1, dtheta2 = {}, {}
"""
RIGHT_SHEET = ["a1 * l1", "a2 * l2", "l1 - p1", "l2 - p2"]
LOOP = """
def {name}(net, theta, alpha, batch, steps):
    path = adapt(net, theta, alpha, batch.X_s, batch.Y_s, steps)
    first = lam = net.gradient(path[-1], batch.X_q, batch.Y_q)
    for theta_j in {path}:
        lam = lam {sign} hvp(net, {at}, {data}, {v}){c}
    return {out}
"""
RIGHT_LOOP = {
    "name": "split",
    "path": "path[-2::-1]",
    "sign": "-",
    "at": "theta_j",
    "data": "batch.X_s, batch.Y_s",
    "v": "alpha * lam",
    "c": "",
    "out": "first.mean(0), (lam - first).mean(0)",
}
BY_TASK = """
def split(net, theta, alpha, batch, steps):
    F, C = [], []
    for X, Y, Xq, Yq in zip(batch.X_s, batch.Y_s, batch.X_q, batch.Y_q):
        points = [theta]
        for _ in range(steps):
            points.append(points[-1] - alpha * net.gradient(points[-1], X, Y))
        first = lam = net.gradient(points[-1], Xq, Yq)
        for point in reversed(points[:-1]):
            lam = lam - hvp(net, point, X, Y, alpha * lam)
        F.append(first)
        C.append(lam - first)
    return np.mean(F, 0), np.mean(C, 0)
"""
ANGLE = """
def median_angle(rate, steps):
    out = []
    for net, theta, batch in problems:
        e = meta_gradient(net, theta, rate, batch, steps).d_theta
        f = meta_gradient(net, theta, rate, batch, steps, order=1).d_theta
        e, f = e / np.linalg.norm(e), f / np.linalg.norm(f)
        out.append({})
    return {}
rate_of_one_step = {}
"""
DEGREES, MEDIAN = "np.degrees(np.arccos(e @ f))", "np.median(out)"


def sheet(**changed):
    lines = RIGHT_SHEET.copy()
    for place, line in changed.items():
        lines[int(place[1])] = line
    return SHEET.format(*lines)


def loop(**changed):
    return LOOP.format(**RIGHT_LOOP | changed)


def repair(alpha="0.3", **changed):
    return f"harmless_alpha = {alpha}\n" + loop(
        name="repaired", out="lam.mean(0)", **changed
    )


CURVATURE, FIRST = "curvature part", "first-order part"
RIGHT = [
    ("05.1", BOWLS.format("'4/3'", "'4'")),
    ("05.1", BOWLS.format("4 / 3", "4.0")),
    ("05.1", BOWLS.format("Fraction(4, 3)", "Fraction('4')")),
    ("05.1", BOWLS.format("1.33", "[4]")),
    ("05.1", BOWLS.format("'1 1/3'", "np.float64(4)")),
    ("05.2", sheet()),
    ("05.2", sheet(_0="(a1 * l1).tolist()", _3="(l2 - p2).ravel()")),
    ("05.2", sheet(_2="(l1 - p1).astype(float)", _1="(a2 * l2).tolist()")),
    ("05.2", sheet(_1="'[9/2; -3/4; 1/2]'", _0="'3 9/4; 1/4 3/2'")),
    ("05.3", loop()),
    ("05.3", BY_TASK),
    ("05.3", loop(out="np.array([first.mean(0), (lam - first).mean(0)])")),
    ("05.3", loop(out="{'first': first.mean(0), 'curvature': (lam - first).mean(0)}")),
    (
        "05.3",
        loop(out="(first.mean(0, keepdims=True), (lam - first).mean(0).tolist())"),
    ),
    ("05.4", repair()),
    ("05.4", repair("-0.3")),
    ("05.4", repair("'0.3'")),
    ("05.4", repair("np.full(39, 0.05)")),
    ("05.4", repair("[0.1] * 39")),
    (
        "05.4",
        "harmless_alpha = 1\n"
        + loop(name="suspect", out="lam.mean(0)")
        + "repaired = suspect",
    ),
    ("05.5", ANGLE.format(DEGREES, MEDIAN, "5e-3")),
    (
        "05.5",
        ANGLE.format(DEGREES, "sorted(out)[4] / 2 + sorted(out)[5] / 2", "'0.005'"),
    ),
    (
        "05.5",
        ANGLE.format(
            "2 * np.degrees(np.arctan2(np.linalg.norm(e - f), np.linalg.norm(e + f)))",
            MEDIAN,
            "[0.0052]",
        ),
    ),
]
WRONG = [
    ("05.1", BOWLS.format("2", "4"), "joint", "equally steep"),
    ("05.1", BOWLS.format("'4/3'", "'4/3'"), "adapted", "before it"),
    ("05.1", BOWLS.format("'4/3'", "2"), "adapted", "equally steep"),
    ("05.1", BOWLS.format("1.4", "4"), "joint", ""),
    ("05.1", BOWLS.format("4", "4"), "joint", "second loss alone"),
    ("05.1", BOWLS.format("'4/3'", "None"), "adapted", "no answer"),
    ("05.2", sheet(_2="l1 + p1", _3="l2 + p2"), "dtheta1, dtheta2", ""),
    ("05.2", sheet(_2="l1", _3="l2"), "dtheta1, dtheta2", "without"),
    ("05.2", sheet(_0="l1", _1="l2"), "V1, V2", ""),
    ("05.2", sheet(_2="l1 - a1 * p1"), "dtheta1", ""),
    ("05.2", sheet(_0="a1 @ l1"), "V1", ""),
    ("05.2", sheet(_3="-p2"), "dtheta2", ""),
    ("05.3", loop(sign="+"), CURVATURE, "with + for − in the line of λ"),
    ("05.3", loop(at="theta"), CURVATURE, "always at θ_0"),
    ("05.3", loop(v="lam", c=" * alpha"), CURVATURE, "α stands inside"),
    ("05.3", loop(v="lam"), CURVATURE, "without the factor α in the"),
    ("05.3", loop(out="first.mean(0), (first - lam).mean(0)"), CURVATURE, "its minus"),
    ("05.3", loop(out="first, lam - first"), f"{FIRST}, {CURVATURE}", ""),
    (
        "05.3",
        loop(out="first.sum(0), (lam - first).sum(0)"),
        f"{FIRST}, {CURVATURE}",
        "a sum over the tasks",
    ),
    ("05.3", loop(out="first.mean(0), lam.mean(0)"), CURVATURE, "all of dθ"),
    ("05.3", loop(out="lam.mean(0), (lam - first).mean(0)"), FIRST, "all of dθ"),
    (
        "05.3",
        loop(
            out="net.gradient(path[-1], batch.X_s, batch.Y_s).mean(0), "
            "(lam - first).mean(0)"
        ),
        FIRST,
        "not of the query loss",
    ),
    ("05.3", loop(out="lam.mean(0)"), f"{FIRST}, {CURVATURE}", "39 came"),
    ("05.3", loop(path="path[:-1]"), CURVATURE, "not forward"),
    ("05.3", loop(path="path[::-1]"), CURVATURE, "θ_J takes no step"),
    ("05.3", loop(path="path[-2:0:-1]"), CURVATURE, "θ_0 is left out"),
    ("05.3", loop(data="batch.X_q, batch.Y_q"), CURVATURE, "support loss"),
    (
        "05.3",
        "def split(net, theta, alpha, batch, steps):\n"
        "    f = meta_gradient(net, theta, alpha, batch, steps, order=1).d_theta\n"
        "    return f, meta_gradient(net, theta, alpha, batch, steps).d_theta - f",
        f"{FIRST}, {CURVATURE}",
        "calls meta_gradient",
    ),
    ("05.4", repair("example[2]"), "harmless_alpha", "the mistake shows"),
    ("05.4", repair("1e-5 * example[2]"), "harmless_alpha", "so small"),
    ("05.4", repair("1e-13"), "harmless_alpha", "so small"),
    ("05.4", repair("0"), "harmless_alpha", "no step"),
    ("05.4", repair("None"), "harmless_alpha", "no answer"),
    ("05.4", repair(v="lam"), "repaired", "without the factor α in the"),
    ("05.4", repair(v="lam", c=" * alpha"), "repaired", "stands inside"),
    ("05.4", "harmless_alpha = 1; repaired = suspect", "repaired", "stands inside"),
    ("05.4", repair(sign="+"), "repaired", "with + for − in the line of λ"),
    (
        "05.4",
        "harmless_alpha = 1\ndef repaired(*a): return meta_gradient(*a).d_theta",
        "repaired",
        "calls meta_gradient",
    ),
    ("05.5", ANGLE.format(DEGREES, "np.mean(out)", ".005"), "median_angle", "mean"),
    (
        "05.5",
        ANGLE.format("np.arccos(e @ f)", MEDIAN, ".005"),
        "median_angle",
        "radian",
    ),
    ("05.5", ANGLE.format("e @ f", MEDIAN, ".005"), "median_angle", "cosine"),
    ("05.5", ANGLE.format(DEGREES, "out", ".005"), "median_angle", "per problem"),
    ("05.5", ANGLE.format(DEGREES, MEDIAN, ".001"), "rate_of_one_step", "too small"),
    ("05.5", ANGLE.format(DEGREES, MEDIAN, ".025"), "rate_of_one_step", "too large"),
    ("05.5", ANGLE.format(DEGREES, MEDIAN, "-.005"), "rate_of_one_step", "above 0"),
]
