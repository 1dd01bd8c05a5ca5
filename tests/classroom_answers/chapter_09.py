"""Answers to the exercises of chapter 09, as people give them, and what is said."""

MOVE = "dW2 = {}; W2_new = {}"
REST = """
def rest(h, c, alpha, J):
    w = {}
    return {}
"""
MEAN = "(w * c).sum() / w.sum()"
PREDICT = """
def predicted_move(alpha):
    g1, g2 = net.gradient(theta, *one), net.gradient(theta, *two)
    return {}
"""
REPTILE = """
def reptile_fixed(theta, gradient, alpha, J, epsilon):
    at = {}
    for _ in range({}):
        {}
    return {}
"""
STEP, OUT = "at = at - alpha * gradient(at)", "theta + epsilon * (at - theta)"
CEILING = """
def floor(Y, c):
    e = abs(Y) - c
    return {}
c_needed = {}
"""
SQUARE = "(np.maximum(e, 0)**2).mean()"
RIGHT = [
    ("09.1", MOVE.format("[6., 3., 1.]", "[1.25, -1.375, -1.125]")),
    ("09.1", MOVE.format("['6', '3', '1']", "['5/4', '−11/8', '-1 1/8']")),
    ("09.1", MOVE.format("[[6], [3], [1]]", "[[Fr(5, 4)], [-11/8], [-9/8]]")),
    ("09.1", MOVE.format("'6 3 1'", "[1.25, -1.38, -1.13]")),
    ("09.1", MOVE.format("np.array([6, 3, 1])", "'[5/4; -11/8; -9/8]'")),
    ("09.2", REST.format("1. - (1. - alpha * h)**J", MEAN)),
    ("09.2", REST.format("1 - (1 - alpha * h)**J", "np.average(c, weights=w)")),
    ("09.2", REST.format("-np.expm1(J * np.log1p(-alpha * h))", "[w @ c / np.sum(w)]")),
    (
        "09.2",
        REST.format(
            "[1 - (1 - alpha * a)**J for a in h]",
            "sum(a * b for a, b in zip(w, c)) / sum(w)",
        ),
    ),
    (
        "09.2",  # simulated; the mean move is affine in θ
        """
def rest(h, c, alpha, J):
    def move(at):
        start = at
        for _ in range(J):
            at = at - alpha * h * (at - c)
        return (start - at).mean()
    return move(0.0) / (move(0.0) - move(1.0))
""",
    ),
    (
        "09.3",
        PREDICT.format("alpha * (g1 + g2) - alpha**2 * hvp(net, theta, *two, g1)"),
    ),
    ("09.3", PREDICT.format("alpha*g1 + alpha*(g2 - hvp(net, theta, *two, alpha*g1))")),
    (
        "09.3",
        PREDICT.format("(alpha*(g1 + g2 - hvp(net, theta, *two, g1*alpha))).tolist()"),
    ),
    (
        "09.4",
        REPTILE.format("theta", "J", STEP, "(1 - epsilon) * theta + epsilon * at"),
    ),
    ("09.4", REPTILE.format("1 * theta", "J", "at -= alpha * gradient(at)", OUT)),
    (
        "09.4",
        REPTILE.format(
            "float(theta)", "J", STEP, "float(theta) + float(epsilon) * (at - theta)"
        ),
    ),
    (
        "09.4",
        "def reptile_fixed(theta, gradient, alpha, J, epsilon):\n"
        "    f = lambda t, j: f(t - alpha * gradient(t), j - 1) if j else t\n"
        "    return theta - epsilon * (theta - f(theta, J))",
    ),
    ("09.5", CEILING.format("np.mean((Y - np.clip(Y, -c, c))**2)", "4")),
    ("09.5", CEILING.format("np.where(e > 0, e**2, 0).sum() / Y.size", "4.0")),
    ("09.5", CEILING.format("sum(x * x for x in e.flat if x > 0) / e.size", "'4'")),
    (
        "09.5",
        CEILING.format(
            SQUARE, "next(c for c in range(9) if floor(Y, c) < np.mean(Y * Y) / 100)"
        ),
    ),
]
DW2 = "[6, 3, 1]"
W2 = "['5/4', '-11/8', '-9/8']"
GONE = "1 - (1 - alpha * h)**J"
WRONG = [
    ("09.1", MOVE.format(DW2, "[.5, -1.75, -1.25]"), "W2_new", "θ_J"),
    ("09.1", MOVE.format(DW2, "[2.75, -.625, -.875]"), "W2_new", "with + for −"),
    ("09.1", MOVE.format(DW2, "[-.75, -.375, -.125]"), "W2_new", "starts from W2"),
    ("09.1", MOVE.format(DW2, "[-1, -2.5, -1.5]"), "W2_new", "takes the rate 1/4"),
    ("09.1", MOVE.format(DW2, "[1.25, -.625, -.875]"), "W2_new", "worksheet's α"),
    (
        "09.1",
        MOVE.format(DW2, "['-1/4', '-17/8', '-11/8']"),
        "W2_new",
        "is not right yet",
    ),
    ("09.1", MOVE.format(DW2, "['37/20', '-43/40', '-41/40']"), "W2_new", "1/10"),
    ("09.1", MOVE.format("[-6, -3, -1]", W2), "dW2", "not right"),
    ("09.1", MOVE.format("[2, 1, '1/3']", W2), "dW2", "not right"),
    ("09.1", MOVE.format("[2, 1, '1/3']", "[1.75, -1.125, '-25/24']"), "dW2", "not"),
    ("09.1", MOVE.format(DW2, "[1.25]"), "W2_new", "shape (1,)"),
    ("09.1", MOVE.format(DW2, "None"), "W2_new", "no answer"),
    ("09.2", REST.format("0", "c.mean()"), "rest", "steep task"),
    ("09.2", REST.format("h", MEAN), "rest", "J = 1 only"),
    ("09.2", REST.format("(1 - alpha * h)**J", MEAN), "rest", "that is left"),
    ("09.2", REST.format("1 - (1 - J * alpha * h)", MEAN), "rest", "what is left"),
    ("09.2", REST.format(GONE, "(w * c).mean()"), "rest", "not by their number"),
    ("09.2", REST.format(GONE, "(w * c).sum()"), "rest", "without the division by (…)"),
    ("09.2", REST.format(f"{GONE[:-1]}(J + 1)", MEAN), "rest", "is not right yet"),
    ("09.2", REST.format(GONE, "w * c / w.sum()"), "rest", "without sum"),
    ("09.2", REST.format(f"{GONE}; h -= 1", MEAN), "rest", "in place"),
    ("09.2", REST.format(GONE, "(w * c).sum() / w.sun()"), "rest", "line 4"),
    ("09.3", "predicted_move = true_move", "predicted_move", "the move itself"),
    (
        "09.3",
        PREDICT.format("alpha*(g1+g2) - alpha**2 * hvp(net, theta, *one, g2)"),
        "predicted_move",
        "H1_g2: the second step depends on",
    ),
    (
        "09.3",
        PREDICT.format("alpha*(g1+g2) - alpha**2 * hvp(net, theta, *two, g2)"),
        "predicted_move",
        "H2_g2: the second step depends on",
    ),
    (
        "09.3",
        PREDICT.format("alpha*(g1+g2) + alpha**2 * hvp(net, theta, *two, g1)"),
        "predicted_move",
        "with + for −",
    ),
    (
        "09.3",
        PREDICT.format("alpha*(g1+g2) - alpha**2/2 * hvp(net, theta, *two, g1)"),
        "predicted_move",
        "half",
    ),
    (
        "09.3",
        PREDICT.format("alpha * (g1 + g2)"),
        "predicted_move",
        "without − α² H2_g1",
    ),
    (
        "09.3",
        PREDICT.format("alpha*(g1+g2) - alpha * hvp(net, theta, *two, g1)"),
        "predicted_move",
        "without the power 2",
    ),
    (
        "09.3",
        PREDICT.format("alpha**2 * hvp(net, theta, *two, g1) - alpha*(g1+g2)"),
        "predicted_move",
        "the sign is turned",
    ),
    ("09.3", PREDICT.format("g1 @ g2"), "predicted_move", "shape"),
    ("09.4", "reptile_fixed = buggy_reptile", "reptile_fixed", "inside the loop"),
    ("09.4", REPTILE.format("theta", "J", STEP, "at"), "reptile_fixed", "all the way"),
    (
        "09.4",
        REPTILE.format("theta", "J", "at = at - epsilon*alpha*gradient(at)", "at"),
        "reptile_fixed",
        "not in every step",
    ),
    (
        "09.4",
        REPTILE.format("theta", "J", STEP, "theta - epsilon * (at - theta)"),
        "reptile_fixed",
        "with − for +",
    ),
    (
        "09.4",
        REPTILE.format("theta", "J", STEP, "at + epsilon * (at - theta)"),
        "reptile_fixed",
        "with θ_J for θ",
    ),
    (
        "09.4",
        REPTILE.format("theta", "J", STEP, "at + epsilon * (theta - at)"),
        "reptile_fixed",
        "1 − ε",
    ),
    (
        "09.4",
        REPTILE.format("theta", "1", STEP, OUT),
        "reptile_fixed",
        "with θ_1 for θ_J",
    ),
    (
        "09.4",
        REPTILE.format("theta", "J - 1", STEP, OUT),
        "reptile_fixed",
        "with θ_J_minus_1 for θ_J",
    ),
    (
        "09.4",
        REPTILE.format("theta", "J + 1", STEP, OUT),
        "reptile_fixed",
        "with θ_J_plus_1 for θ_J",
    ),
    (
        "09.4",
        REPTILE.format("theta", "J", "at -= alpha * gradient(at)", OUT),
        "reptile_fixed",
        "in place",
    ),
    (
        "09.5",
        CEILING.format("(np.maximum(Y - c, 0)**2).mean()", "4"),
        "floor",
        "without abs",
    ),
    ("09.5", CEILING.format("(e[e > 0]**2).mean()", "4"), "floor", "all targets"),
    (
        "09.5",
        CEILING.format("np.maximum(e, 0).mean()", "4"),
        "floor",
        "without the power 2",
    ),
    (
        "09.5",
        CEILING.format("(np.maximum(e, 0)**2).sum()", "4"),
        "floor",
        "with sum for mean",
    ),
    ("09.5", CEILING.format("(e**2).mean()", "4"), "floor", "below the ceiling"),
    ("09.5", CEILING.format("np.maximum(e, 0)**2", "4"), "floor", "one number"),
    ("09.5", CEILING.format(SQUARE, "5"), "c_needed", "smaller"),
    ("09.5", CEILING.format(SQUARE, "3"), "c_needed", "not below"),
    ("09.5", CEILING.format(SQUARE, "3.5"), "c_needed", "whole"),
    ("09.5", CEILING.format(SQUARE, "None"), "c_needed", "no answer"),
]
