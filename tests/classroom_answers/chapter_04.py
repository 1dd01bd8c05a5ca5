"""Answers to the exercises of chapter 04, as people give them, and what is said."""

from classroom_tools import cells_of

GIVEN = "X1, V1, phi1 = given('04.1').values()\n"
SOFT = """
def softplus_slope(Z):
    return {}
def softplus_curvature(Z):
    return {}
"""
S, T = "1 / (1 + np.exp(-Z))", "softplus_slope(Z) * (1 - softplus_slope(Z))"
SAFE = "np.where(Z < 0, np.exp(-abs(Z)), 1) / (1 + np.exp(-abs(Z)))"
HVP = cells_of("04.3")[2]
ZEROS, LINE = "np.zeros((len(X), 1))", 'wrong_line = "4.5"'
CORNER = """
def corner(net, theta, X):
    W1, W2 = net.unpack(theta)
    one = np.ones((len(X), 1))
    H1 = net.phi.value(np.hstack([X, one]) @ W1)
    H1_1 = {}
    return {}
"""
H1_1, KRON = "np.hstack([H1, one])", "np.kron(H1_1.T @ H1_1, np.eye(net.n_out))"
SHARP = """
def sharpest(net, theta, X, Y, v, rounds={}):
    for _ in range(rounds):
        {}
    return {}
"""
UNIT, RAYLEIGH = "v = v / np.linalg.norm(v)", "v = hvp(net, theta, X, Y, v)"
ROUND = f"{RAYLEIGH}; {UNIT}"
VALUE = "v @ hvp(net, theta, X, Y, v)"
RIGHT = [
    ("04.1", GIVEN + "Z1_dot = (X1 @ V1).tolist(); H1_dot = phi1 * (X1 @ V1)"),
    (
        "04.1",
        GIVEN + "Z1_dot = X1.astype(float) @ V1.astype(float)\n"
        "H1_dot = Z1_dot * phi1.astype(float)",
    ),
    (
        "04.1",
        "Z1_dot = '[3/2 -5; 11/4 -9; 4 -13]'; H1_dot = [[6, 20], ['11/2', 18], [0, 0]]",
    ),
    ("04.1", "Z1_dot = '1.5 -5\\n2,75 -9\\n4 -13'; H1_dot = [6, 20, 5.5, 18, 0, 0]"),
    ("04.2", SOFT.format(S, T)),
    ("04.2", SOFT.format(SAFE, T)),
    (
        "04.2",
        SOFT.format("np.exp(Z) / (1 + np.exp(Z))", "np.exp(Z) / (1 + np.exp(Z))**2"),
    ),
    ("04.2", SOFT.format("(1 + np.tanh(Z / 2)) / 2", "1 / (4 * np.cosh(Z / 2)**2)")),
    ("04.2", SOFT.format("np.array([[1/(1+np.exp(-z)) for z in r] for r in Z])", T)),
    ("04.2", SOFT.format("(" + S + ").tolist()", "np.exp(-Z) / (1 + np.exp(-Z))**2")),
    ("04.3", HVP),
    ("04.3", HVP.replace(LINE, "wrong_line = 4.5")),
    ("04.3", HVP.replace(LINE, "wrong_line = '(4.5)'")),
    ("04.3", HVP.replace(LINE, "wrong_line = 'Eq. 4.5, the column of ones'")),
    ("04.3", HVP.replace(ZEROS, "0 * p.X1[:, -1:]")),
    ("04.4", CORNER.format(H1_1, "2 / len(X) * " + KRON)),
    (
        "04.4",
        CORNER.format(
            H1_1,
            "np.einsum('nh,nk,op->hokp', H1_1, H1_1, np.eye(net.n_out))"
            ".reshape(W2.size, -1) * 2 / len(X)",
        ),
    ),
    (
        "04.4",
        CORNER.format(
            "net.backward_pass(theta, X, np.zeros((len(X), net.n_out))).H1_1",
            "2 * " + KRON + " / len(X)",
        ),
    ),
    ("04.5", SHARP.format(300, ROUND, VALUE)),
    ("04.5", SHARP.format(300, ROUND, f"np.array([{VALUE}])")),
    ("04.5", SHARP.format(300, ROUND, f"float({VALUE})")),
]
WRONG = [
    ("04.1", GIVEN + "Z1_dot = X1 @ V1; H1_dot = X1 @ V1", "H1_dot", "φ′"),
    ("04.1", GIVEN + "Z1_dot = X1 @ V1; H1_dot = phi1", "H1_dot", ""),
    ("04.1", GIVEN + "Z1_dot = -X1 @ V1; H1_dot = phi1 * (X1 @ V1)", "Z1_dot", "sign"),
    (
        "04.1",
        GIVEN + "Z1_dot = X1[:, :1] @ V1[:1]; H1_dot = phi1 * (X1 @ V1)",
        "Z1_dot",
        "bias",
    ),
    (
        "04.1",
        GIVEN + "Z1_dot = (X1 @ V1).T; H1_dot = phi1 * (X1 @ V1)",
        "Z1_dot",
        "transposed",
    ),
    ("04.1", GIVEN + "H1_dot = phi1 * (X1 @ V1); Z1_dot = None", "Z1_dot", "no answer"),
    (
        "04.1",
        GIVEN + "Z1_dot = X1 @ V1; H1_dot = phi1 @ (X1 @ V1).T",
        "H1_dot",
        "matrix product",
    ),
    (
        "04.2",
        SOFT.format("1 / (1 + np.exp(Z))", "(" + S + ") * (1 - 1 / (1 + np.exp(-Z)))"),
        "softplus_slope",
        "without the minus",
    ),
    (
        "04.2",
        SOFT.format("np.exp(Z)", "np.exp(Z) / (1 + np.exp(Z))**2"),
        "softplus_slope",
        "divide",
    ),
    (
        "04.2",
        SOFT.format("softplus(Z)", "np.exp(Z) / (1 + np.exp(Z))**2"),
        "softplus_slope",
        "softplus itself",
    ),
    ("04.2", SOFT.format(S, S), "softplus_curvature", "once more"),
    ("04.2", SOFT.format(S, "1 - softplus_slope(Z)**2"), "softplus_curvature", "tanh"),
    ("04.2", SOFT.format(S, "-" + T), "softplus_curvature", "sign"),
    (
        "04.2",
        SOFT.format(S, "softplus_slope(Z)**2"),
        "softplus_curvature",
        "with σ(Z) alone",
    ),
    ("04.2", SOFT.format(S, "0 * Z"), "softplus_curvature", "zero"),
    (
        "04.2",
        SOFT.format(S, "2 * " + T),
        "softplus_curvature",
        "is twice what it should be",
    ),
    (
        "04.2",
        SOFT.format("print(Z)", "np.exp(Z) / (1 + np.exp(Z))**2"),
        "softplus_slope",
        "return",
    ),
    (
        "04.2",
        SOFT.format(S, "np.exp(Z) / (1 + np.exp(Z))**2").replace(
            "def softplus_slope(Z):", "def softplus_slope(Z):\n    Z *= 1.5"
        ),
        "softplus_slope",
        "",
    ),
    (
        "04.2",
        SOFT.format(
            "(" + S + ").astype(np.float32)",
            T.replace("softplus_slope(Z)", "(" + S + ")"),
        ),
        "softplus_slope",
        "float32",
    ),
    ("04.3", HVP.replace(ZEROS, "np.ones((len(X), 1))"), "fixed_hvp", "by itself"),
    (
        "04.3",
        HVP.replace(" - p.dH1 * 2 * p.H1 * p.phi1 * Z1_dot", ""),
        "fixed_hvp",
        "φ″",
    ),
    (
        "04.3",
        HVP.replace(" + p.dF @ V2[:-1].T", ""),
        "fixed_hvp",
        "blocks W1 and b1: this is",
    ),
    ("04.3", HVP.replace("2 / len(X) * F_dot", "F_dot"), "fixed_hvp", "block"),
    ("04.3", "def fixed_hvp(*a): return hvp(*a)\n" + LINE, "fixed_hvp", "calls hvp"),
    ("04.3", "fixed_hvp = wrong_hvp\n" + LINE, "fixed_hvp", "by itself"),
    ("04.3", HVP.replace(LINE, "wrong_line = '4.7'"), "wrong_line", "v = 0"),
    ("04.3", HVP.replace(LINE, "wrong_line = '4.5 or 4.7'"), "wrong_line", "one"),
    ("04.3", HVP.replace(LINE, "wrong_line = 5"), "wrong_line", "4.1"),
    ("04.4", CORNER.format(H1_1, KRON), "corner", "without the factor 2 / N"),
    ("04.4", CORNER.format(H1_1, KRON + " / len(X)"), "corner", "without the factor 2"),
    ("04.4", CORNER.format(H1_1, "2 * " + KRON), "corner", "without the division by N"),
    (
        "04.4",
        CORNER.format(H1_1, "2/len(X) * np.kron(np.eye(net.n_out), H1_1.T @ H1_1)"),
        "corner",
        "swap kron",
    ),
    ("04.4", CORNER.format("H1", "2 / len(X) * " + KRON), "corner", "shape"),
    (
        "04.4",
        CORNER.format("np.hstack([H1, 0 * one])", "2 / len(X) * " + KRON),
        "corner",
        "",
    ),
    (
        "04.4",
        "from metasgd_np import hessian\ndef corner(net, theta, X):\n"
        "    H = hessian(net, theta, X, np.zeros((len(X), net.n_out)))\n"
        "    k = net.unpack(theta)[1].size\n    return H[-k:, -k:]",
        "corner",
        "calls hessian",
    ),
    ("04.5", SHARP.format(300, RAYLEIGH, VALUE), "sharpest", "v holds"),
    (
        "04.5",
        SHARP.format(300, f"{UNIT}; {RAYLEIGH}", "(v @ v)**.5"),
        "sharpest",
        "sign",
    ),
    ("04.5", SHARP.format(3, ROUND, VALUE), "sharpest", "rounds"),
    ("04.5", SHARP.format(300, ROUND, "v"), "sharpest", "one number"),
    ("04.5", SHARP.format(300, ROUND, "None"), "sharpest", "return"),
    ("04.5", SHARP.format(300, ROUND, f"({VALUE})**2"), "sharpest", ""),
    ("04.5", SHARP.format(300, ROUND, f"-({VALUE})"), "sharpest", ""),
    (
        "04.5",
        "def sharpest(net, theta, X, Y, v, rounds=1):\n"
        "    H = np.array([hvp(net, theta, X, Y, e) for e in np.eye(len(v))])\n"
        "    values = np.linalg.eigvalsh(H)\n"
        "    return values[abs(values).argmax()]",
        "sharpest",
        "calls eigvalsh",
    ),
    (
        "04.5",
        "from metasgd_np import hessian\ndef sharpest(net, theta, X, Y, v, rounds=1):\n"
        "    return np.linalg.eigvalsh(hessian(net, theta, X, Y))[-1]",
        "sharpest",
        "calls hessian",
    ),
    (  # H1_dot follows from the wrong Z1_dot
        "04.1",
        GIVEN + "Z1_dot = -X1 @ V1; H1_dot = phi1 * Z1_dot",
        "Z1_dot",
        "sign",
    ),
]
