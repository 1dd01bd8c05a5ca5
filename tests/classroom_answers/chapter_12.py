"""Answers to the exercises of chapter 12, as people give them, and what is said."""

CASES = "ds_A = {}; ds_B = {}; wider = {}"
STEP = "eta = {}; xi_1 = {}; u_1 = {}; v_2 = {}"
ETA, XI, U, V = "2 / 7", "[2 / 7, 2 / 7]", "[-1 / 7, 1 / 7]", "[-6 / 49, 8 / 49]"
CURVED = """
def repaired(M, S, A, psi, M_dot, S_dot):
    e, f = M - A, psi * np.exp(-S) / len(M)
    first = {}
    second = {}
    return {}
"""
FIRST, SECOND = "f * (M_dot - e * S_dot)", "f * (e**2 * S_dot / 2 - e * M_dot)"
BASE = """
def each(p, r, V):
    return (r - V)[:, None] * (np.eye(3) - p)
def mean_gradient(p, r, V):
    return {}
def noise(p, r, V):
    c, m = each(p, r, V), p @ each(p, r, V)
    return {}
best = {}
"""
MEAN, NOISE = "p @ each(p, r, V)", "p @ ((c - m) ** 2).sum(1)"
SEARCH = "min(np.linspace(-10, 0, 1001), key=lambda V: noise(p, r, V))"
MISSING = "def missing(a, m, m_new):\n    return {}"
RIGHT = [
    ("12.1", CASES.format("0", "'3/2'", "'Neither'")),
    ("12.1", CASES.format("'0'", "1.5", "'neither of them'")),
    ("12.1", CASES.format("-0.0", "[1.5]", "'none'")),
    (
        "12.1",
        CASES.format("[[0.0]]", "-.5 * (1 - 16 * np.exp(-np.log(4)))", "'neither.'"),
    ),
    ("12.2", STEP.format(ETA, XI, U, V)),
    (
        "12.2",
        STEP.format("'2/7'", "['2/7', '2/7']", "'[-1/7; 1/7]'", "['−6/49', '8/49']"),
    ),
    (
        "12.2",
        STEP.format(0.2857, [0.2857, 0.2857], [-0.1429, 0.1429], [-0.1224, 0.1633]),
    ),
    (
        "12.2",
        STEP.format(0.2857, [0.2857, 0.2857], [-0.1428, 0.1429], [-0.1224, 0.1632]),
    ),
    (
        "12.2",
        STEP.format(
            ETA, "np.array([[2], [2]]) / 7", "([-1 / 7], [1 / 7])", "'-0,1224 0,1633'"
        ),
    ),
    (
        "12.2",
        STEP.format("[2 / 7]", f"np.array({XI})", U, "np.float32([-6 / 49, 8 / 49])"),
    ),
    ("12.3", CURVED.format(FIRST, SECOND, "first, second")),
    ("12.3", CURVED.format(FIRST, SECOND, "np.array([first, second])")),
    ("12.3", CURVED.format(FIRST, SECOND, "{'dM_dot': first, 'dS_dot': second}")),
    (
        "12.3",
        CURVED.format(
            "0",
            "0",
            "[old - f * e * d for old, d in zip("
            "suspect(M, S, A, psi, M_dot, S_dot), (S_dot, M_dot))]",
        ),
    ),
    (
        "12.3",
        CURVED.format(
            "psi / len(M) * (M_dot * np.exp(-S) - e * np.exp(-S) * S_dot)",
            "-psi / 2 / len(M) * (2 * e * M_dot - e * e * S_dot) * np.exp(-S)",
            "(first.tolist(), second.tolist())",
        ),
    ),
    ("12.4", BASE.format(MEAN, NOISE, SEARCH)),
    (
        "12.4",
        BASE.format(
            "(p * each(p, r, V).T).sum(1)", "p @ (c**2).sum(1) - m @ m", "'-4,98'"
        ),
    ),
    (
        "12.4",
        BASE.format(
            "p * (r - p @ r)",
            "sum(p[a] * ((c[a] - m)**2).sum() for a in range(3))",
            SEARCH,
        ),
    ),
    (
        "12.4",
        BASE.format(
            "[sum(p[a] * (r[a] - V) * ((a == k) - p[k]) for a in range(3))"
            " for k in range(3)]",
            "float(np.trace(np.cov(c.T, aweights=p, ddof=0)))",
            "[-4.98]",
        ),
    ),
    ("12.5", MISSING.format("m_new**2 * (a - m).sum(-1)")),
    ("12.5", MISSING.format("m_new**2 * a.shape[1] * (a.mean(axis=1) - m)")),
    ("12.5", MISSING.format("(m_new[:, None]**2 * (a - m)).sum(1)[:, None]")),
    ("12.5", MISSING.format("(m_new**2 - 0.3) * (a - m).sum(-1)")),
    ("12.5", MISSING.format("(m_new**2 - (m_new**2).mean()) * (a - m).sum(-1)")),
    (
        "12.5",
        MISSING.format("[float(w * w * s) for w, s in zip(m_new, (a - m).sum(1))]"),
    ),
]
WRONG = [
    ("12.1", CASES.format(0, 3, "'neither'"), "ds_B", "without the division by 2"),
    ("12.1", CASES.format(0, -1.5, "'B'"), "ds_B", "the sign is turned"),
    (
        "12.1",
        CASES.format(0, 3.5, "'neither'"),
        "ds_B",
        "e^−s is one over the variance,",
    ),
    ("12.1", CASES.format(0, 0, "'neither'"), "ds_B", "square"),
    ("12.1", CASES.format(0, 2, "'neither'"), "ds_B", "with − (…) alone"),
    ("12.1", CASES.format(0, 1, "'neither'"), "ds_B", "dM"),
    ("12.1", CASES.format(0.25, 1.5, "'neither'"), "ds_A", "square"),
    ("12.1", CASES.format(-0.5, 1.5, "'A'"), "ds_A", "e^−s is one over the variance,"),
    ("12.1", CASES.format(1, 1.5, "'neither'"), "ds_A", "with + for −"),
    ("12.1", CASES.format(0, 1.5, "'B'"), "wider", "against"),
    ("12.1", CASES.format(0, 1.5, "'A'"), "wider", "s moves against ds: where it"),
    ("12.1", CASES.format(0, 1.5, "''"), "wider", "give"),
    ("12.1", CASES.format(0, 1.5, "3"), "wider", "give"),
    ("12.1", CASES.format(0, 1.5, "None"), "wider", "no answer"),
    (
        "12.2",
        STEP.format("1 / 7", "[1 / 7, 1 / 7]", "[3 / 7, 4 / 7]", V),
        "eta",
        "without the factor u·u",
    ),
    ("12.2", STEP.format("2 / 25", XI, U, V), "eta", "orthogonal"),
    ("12.2", STEP.format("7 / 2", XI, U, V), "eta", "upside down"),
    ("12.2", STEP.format("2**.5 / 7", XI, U, V), "eta", "length"),
    ("12.2", STEP.format("2 / 6", XI, U, V), "eta", "not right"),
    ("12.2", STEP.format("0.286", XI, U, V), "eta", "give more digits"),
    ("12.2", STEP.format(ETA, "[1 / 5, 2 / 5]", U, V), "xi_1", "part of the way"),
    ("12.2", STEP.format(ETA, "[9 / 7, 9 / 7]", U, V), "xi_1", "starts at 0"),
    ("12.2", STEP.format(ETA, "[8 / 7, 6 / 7]", U, V), "xi_1", "η ℐv"),
    ("12.2", STEP.format(ETA, "2 / 7", U, V), "xi_1", "shape"),
    ("12.2", STEP.format(ETA, XI, "[1 / 7, -1 / 7]", V), "u_1", "sign"),
    ("12.2", STEP.format(ETA, XI, "[5 / 7, 5 / 7]", V), "u_1", "not u − η v"),
    ("12.2", STEP.format(ETA, XI, U, U), "v_2", "without + (…)"),
    ("12.2", STEP.format(ETA, XI, U, "[0, 2 / 7]"), "v_2", "lengths"),
    ("12.2", STEP.format(ETA, XI, U, "[-8 / 49, 6 / 49]"), "v_2", "with − for +"),
    ("12.2", STEP.format(ETA, XI, U, "[48.857, 49.143]"), "v_2", "upside down"),
    (
        "12.2",
        STEP.format(ETA, XI, U, "[6 / 7, 8 / 7]"),
        "v_2",
        "without the factor (…)",
    ),
    ("12.2", STEP.format(ETA, XI, U, "None"), "v_2", "no answer"),
    ("12.3", "repaired = suspect", "dM_dot, dS_dot", "moves when"),
    (
        "12.3",
        CURVED.format("f * M_dot", SECOND, "first, second"),
        "dM_dot",
        "when s moves",
    ),
    (
        "12.3",
        CURVED.format("f * (M_dot + e * S_dot)", SECOND, "first, second"),
        "dM_dot",
        "with + for −",
    ),
    (
        "12.3",
        CURVED.format("f * (M_dot - e * S_dot / 2)", SECOND, "first, second"),
        "dM_dot",
        "no ½",
    ),
    (
        "12.3",
        CURVED.format("f * (M_dot - e * M_dot)", SECOND, "first, second"),
        "dM_dot",
        "with M_dot for S_dot",
    ),
    (
        "12.3",
        CURVED.format("f * M_dot - e * S_dot", SECOND, "first, second"),
        "dM_dot",
        "is not right yet",
    ),
    (
        "12.3",
        CURVED.format(FIRST, "f * e**2 * S_dot / 2", "first, second"),
        "dS_dot",
        "when m moves",
    ),
    (
        "12.3",
        CURVED.format(FIRST, "f * (e**2 * S_dot / 2 + e * M_dot)", "first, second"),
        "dS_dot",
        "with + for −",
    ),
    (
        "12.3",
        CURVED.format(FIRST, "f * (e**2 * S_dot / 2 - 2 * e * M_dot)", "first, second"),
        "dS_dot",
        "½",
    ),
    (
        "12.3",
        CURVED.format(FIRST, "f * (e**2 * S_dot - 2 * e * M_dot)", "first, second"),
        "dS_dot",
        "is twice what it should be",
    ),
    (
        "12.3",
        CURVED.format(FIRST, SECOND, "second, first"),
        "dM_dot, dS_dot",
        "this is d",
    ),
    ("12.3", CURVED.format(FIRST, SECOND, "first"), "dM_dot, dS_dot", "expected 2"),
    (
        "12.3",
        "from metasgd_np.reinforcement import gaussian_loss as g\n"
        + CURVED.format(
            "np.hstack([M, S])",
            "np.hstack([M_dot, S_dot])",
            "np.hsplit(g.gaussian_curvature("
            "first, g.policy_targets(A, psi[:, 0]), second), 2)",
        ),
        "dM_dot, dS_dot",
        "calls gaussian_curvature",
    ),
    (
        "12.4",
        BASE.format("each(p, r, V).mean(0)", NOISE, SEARCH),
        "mean_gradient",
        "equally likely",
    ),
    (
        "12.4",
        BASE.format("p[:, None] * each(p, r, V)", NOISE, SEARCH),
        "mean_gradient",
        "sum over",
    ),
    (
        "12.4",
        BASE.format("p * (r - V) * (1 - p)", NOISE, SEARCH),
        "mean_gradient",
        "every logit",
    ),
    (
        "12.4",
        BASE.format("p @ each(p, r, 0) - V", NOISE, SEARCH),
        "mean_gradient",
        "drop out",
    ),
    (
        "12.4",
        BASE.format(
            "each(p, r, V)[np.random.choice(3, 999, p=p)].mean(0)", NOISE, SEARCH
        ),
        "mean_gradient",
        "differ",
    ),
    (
        "12.4",
        BASE.format(MEAN, "p @ (c**2).sum(1)", SEARCH),
        "noise",
        "distance from the mean",
    ),
    (
        "12.4",
        BASE.format(
            MEAN,
            "((c - m)**2).sum(1).mean()",
            SEARCH,
        ),
        "noise",
        "equally likely",
    ),
    ("12.4", BASE.format(MEAN, "p @ ((c - m)**2)", -4.98), "noise", "one each"),
    (
        "12.4",
        BASE.format(MEAN, "(p @ ((c - m)**2).sum(1))**.5", SEARCH),
        "noise",
        "root",
    ),
    (
        "12.4",
        BASE.format(MEAN, "p @ ((c - m)**2).mean(1)", SEARCH),
        "noise",
        "their mean",
    ),
    ("12.4", BASE.format(MEAN, NOISE, "p @ r"), "best", "mean reward"),
    ("12.4", BASE.format(MEAN, NOISE, "0"), "best", "baseline"),
    ("12.4", BASE.format(MEAN, NOISE, "4.98"), "best", "sign"),
    ("12.4", BASE.format(MEAN, NOISE, "-5"), "best", "this is the mean of the"),
    (
        "12.4",
        BASE.format(MEAN, NOISE, "noise(p, r, -4.98)"),
        "best",
        "is not right yet",
    ),
    ("12.5", MISSING.format("m_new**2 * (m - a).sum(-1)"), "missing", "sign"),
    (
        "12.5",
        MISSING.format("m_new**2 * (a - m).mean(-1)"),
        "missing",
        "not their mean",
    ),
    ("12.5", MISSING.format("m_new[:, None]**2 * (a - m)"), "missing", "each batch"),
    (
        "12.5",
        MISSING.format("m_new * (a - m).sum(-1)"),
        "missing",
        "without the power 2",
    ),
    (
        "12.5",
        MISSING.format("2 * m_new * (a - m).sum(-1)"),
        "missing",
        "with 2 times for the power",
    ),
    ("12.5", MISSING.format("(a - m).sum(-1)"), "missing", "without the factor m_new²"),
    (
        "12.5",
        MISSING.format("2 * m_new + m_new**2 * (a - m).sum(-1)"),
        "missing",
        "already",
    ),
    (
        "12.5",
        MISSING.format("(m_new**2 * (a - m).sum(-1)).mean()"),
        "missing",
        "one number",
    ),
    ("12.5", MISSING.format("m**2 * (a - m).sum(-1)"), "missing", "with m for m_new"),
    ("12.5", MISSING.format("0 * m_new"), "missing", "is zero"),
    (
        "12.5",
        MISSING.format("1000 * np.random.default_rng(0).normal(size=len(a))"),
        "missing",
        "not right",
    ),
]
