"""Answers to the exercises of chapter 02, as people give them, and what is said."""

HAND = "dF = {}; dH1 = {}; dZ1 = {}"
DF, DH1 = "[[2], [-2], [-2]]", "[[2, -4], [-2, 4], [-2, 4]]"
DZ1 = "[[4, 0], [-8, 8], [4, -16]]"
FOUR = """
def four_gradients(W1_bar, b1, W2_bar, b2, X, Y):
    H1 = np.tanh(X @ W1_bar + b1)
    dF = {dF}
    dZ1 = {dZ1}
    return {out}
"""
RIGHT_FOUR = {
    "dF": "2 * (H1 @ W2_bar + b2 - Y) / len(X)",
    "dZ1": "dF @ W2_bar.T * (1 - H1**2)",
    "out": "X.T @ dZ1, dZ1.sum(0), H1.T @ dF, dF.sum(0)",
}
STEP = """
def right_step(W1, W2, X, Y, rate):
    one = np.ones((len(X), 1))
    X1 = np.hstack([X, one])
    H1 = np.tanh(X1 @ W1)
    H1_1 = np.hstack([H1, one])
    dF = 2 / len(X) * (H1_1 @ W2 - Y)
    dW2 = {dW2}
    dW1 = X1.T @ (dF @ {W2}[:-1].T * (1 - H1 * H1))
    {end}
wrong_blocks = {blocks}
"""
RIGHT_STEP = {
    "dW2": "H1_1.T @ dF",
    "W2": "W2",
    "end": "return W1 - rate * dW1, W2 - rate * dW2",
    "blocks": "{'W2', 'b2'}",
}
DEAD = """
zero = {{name: np.zeros(block.shape, bool) for name, block in blocks.items()}}
{}
"""
FIT = """
def fit(theta, rate, steps):
    losses = {first}
    for _ in range(steps):
        {step}
        losses.append(net.loss(theta, X, Y))
    return {out}
rate, steps = {pair}
"""
RIGHT_FIT = {
    "first": "[net.loss(theta, X, Y)]",
    "step": "theta = theta - rate * net.gradient(theta, X, Y)",
    "out": "losses",
    "pair": "0.1, 400",
}


def four(**changed):
    return FOUR.format(**RIGHT_FOUR | changed)


def step(**changed):
    return STEP.format(**RIGHT_STEP | changed)


def fit(**changed):
    return FIT.format(**RIGHT_FIT | changed)


ALL_FOUR = "dW1, db1, dW2, db2"
RIGHT = [
    (  # a dictionary in another order, with the names of the text
        "02.2",
        four(out="dict(db1=dZ1.sum(0), dW1=X.T @ dZ1, db2=dF.sum(0), dW2=H1.T @ dF)"),
    ),
    ("02.3", step(blocks="'W2 and b2'")),
    ("02.3", step(end="return dict(W2=W2 - rate * dW2, W1=W1 - rate * dW1)")),
    (
        "02.4",
        "zero = {'b2': [0] * 4, 'W1': [[0, 0, 1, 0, 0]] * 2, 'b1': [[0, 0, 1, 0, 0]],"
        " 'W2': [[i == 2] * 4 for i in range(5)]}",
    ),
    (
        "02.5",
        "def fit(theta, rate, steps):\n"
        "    for _ in range(steps + 1):\n"
        "        yield net.loss(theta, X, Y)\n"
        "        theta = theta - rate * net.gradient(theta, X, Y)\n"
        "rate, steps = 0.1, 4e2",
    ),
    ("02.1", HAND.format(DF, DH1, DZ1)),
    ("02.1", HAND.format("[2, -2, -2]", "'[2 -4; -2 4; -2 4]'", f"np.array({DZ1})")),
    (
        "02.1",
        HAND.format("'2\\n-2\\n-2'", f"np.array({DH1}) / 1", "'[4 0;−8 8;4 −16]'"),
    ),
    ("02.1", HAND.format("[['2/1'], [-2.0], [-2]]", f"tuple({DH1})", f"[{DZ1}]")),
    ("02.2", four()),
    ("02.2", four(out="[(X.T @ dZ1).tolist(), dZ1.sum(0), H1.T @ dF, dF.sum(0)]")),
    (
        "02.2",
        four(out="X.T @ dZ1, dZ1.sum(0, keepdims=True), H1.T @ dF, dF.sum(0)[:, None]"),
    ),
    ("02.2", four(dZ1="(W2_bar @ dF.T).T / np.cosh(X @ W1_bar + b1)**2")),
    (
        "02.2",
        four(
            dF="np.empty_like(Y)\n    for n in range(len(X)):\n"
            "        dF[n] = 2 / len(X) * (H1[n] @ W2_bar + b2 - Y[n])"
        ),
    ),
    (
        "02.2",
        "from metasgd_np import TwoLayerNet\n"
        "def four_gradients(W1_bar, b1, W2_bar, b2, X, Y):\n"
        "    net = TwoLayerNet(*W1_bar.shape, len(b2))\n"
        "    theta = net.pack(np.vstack([W1_bar, b1]), np.vstack([W2_bar, b2]))\n"
        "    return tuple(net.blocks(net.gradient(theta, X, Y)).values())",
    ),
    ("02.3", step()),
    ("02.3", step(blocks="['b2', 'W2']")),
    ("02.3", step(blocks="'W2, b2'")),
    ("02.3", step(blocks="('w2', 'B2')")),
    ("02.3", step(dW2="np.einsum('nh,no->ho', H1_1, dF)")),
    ("02.3", step(end="return [W1 - rate * dW1, W2 - rate * dW2]")),
    ("02.4", DEAD.format("zero['W1'][:, 2] = zero['b1'][2] = zero['W2'][2, :] = True")),
    (
        "02.4",
        DEAD.format(
            "zero = {n: (relu.blocks(relu.gradient(dead, X, Y))[n] == 0) for n in zero}"
        ),
    ),
    (
        "02.4",
        "zero = {'b2': [0] * 4, 'W1': [[0, 0, 1, 0, 0]] * 2, 'b1': [0, 0, 1, 0, 0],"
        " 'W2': [[i == 2] * 4 for i in range(5)]}",
    ),
    ("02.5", fit()),
    ("02.5", fit(out="np.array(losses)")),
    ("02.5", fit(pair="'0.1', 400.0")),
    (
        "02.5",
        fit(
            first="[net.loss(theta, X, Y)]; theta = theta.copy()",
            step="theta -= rate * net.gradient(theta, X, Y)",
        ),
    ),
]
WRONG = [
    (
        "02.3",
        step(end="return W1 - dW1, W2 - dW2"),
        "right_step",
        "without the factor rate",
    ),
    ("02.3", step(W2="(W2 - rate * dW2)", dW2="H1_1.T @ dF / 2"), "right_step", "W2: "),
    ("02.2", four(dZ1="dF @ W2_bar.T * H1**2"), "dW1, db1", "this is the value with"),
    ("02.1", HAND.format("[[-2], [2], [2]]", DH1, DZ1), "dF", "Y_s − F_s"),
    ("02.1", HAND.format("[[3], [-3], [-3]]", DH1, DZ1), "dF", "2/N"),
    ("02.1", HAND.format("[[1], [-1], [-1]]", DH1, DZ1), "dF", "1/N for 2/N"),
    ("02.1", HAND.format(DF, DH1, DH1), "dZ1", "φ′"),
    ("02.1", HAND.format(DF, DH1, "[[2, 0], [-4, 4], [2, -8]]"), "dZ1", "Z1_s for φ′"),
    ("02.1", HAND.format(DF, "[[2, -4, 6], [-2, 4, -6], [-2, 4, -6]]", DZ1), "dH1", ""),
    ("02.1", HAND.format(DF, "[[-2, 4], [2, -4], [2, -4]]", DZ1), "dH1", "sign"),
    ("02.1", HAND.format("[[2], [-2], [2]]", DH1, DZ1), "dF", "[2, 0]"),
    ("02.1", HAND.format("None", DH1, DZ1), "dF", "no answer"),
    ("02.1", HAND.format("[[2], [-2]]", DH1, DZ1), "dF", "shape"),
    (
        "02.2",
        four(dF="(H1 @ W2_bar + b2 - Y) / len(X)"),
        ALL_FOUR,
        "without the factor 2",
    ),
    (
        "02.2",
        four(dF="2 * (H1 @ W2_bar + b2 - Y)"),
        ALL_FOUR,
        "without the division by N",
    ),
    (
        "02.2",
        four(dF="2 * (H1 @ W2_bar + b2 - Y) / Y.size"),
        ALL_FOUR,
        "not over the outputs",
    ),
    ("02.2", four(dF="2 * (Y - H1 @ W2_bar - b2) / len(X)"), ALL_FOUR, "sign"),
    ("02.2", four(dZ1="dF @ W2_bar.T"), "dW1, db1", "without φ′"),
    (
        "02.2",
        four(dZ1="dF @ W2_bar.T * (1 - np.tanh(H1)**2)"),
        "dW1, db1",
        "without another tanh",
    ),
    ("02.2", four(dZ1="dF @ W2_bar.T * (1 - H1)"), "dW1, db1", "without the power 2"),
    (
        "02.2",
        four(out="X.T @ dZ1, dZ1.mean(0), H1.T @ dF, dF.mean(0)"),
        "db1, db2",
        "a sum over them",
    ),
    (
        "02.2",
        four(out="dZ1.T @ X, dZ1.sum(0), H1.T @ dF, dF.sum(0)"),
        "dW1",
        "shape",
    ),
    (
        "02.2",
        four(out="X.T @ dZ1, H1.T @ dF, dZ1.sum(0), dF.sum(0)"),
        "db1, dW2",
        "this is d",
    ),
    ("02.2", four(out="X.T @ dZ1, H1.T @ dF"), ALL_FOUR, "2 came"),
    ("02.2", four(dF="X - Y"), ALL_FOUR, "line 4: dF = X - Y"),
    (
        "02.3",
        step(dW2="H1_1.T @ dF.sum(-1, keepdims=True)"),
        "right_step",
        "one column",
    ),
    (
        "02.3",
        step(dW2="H1_1.T @ dF.mean(-1, keepdims=True) * np.ones_like(W2)"),
        "right_step",
        "its own column",
    ),
    (
        "02.3",
        step(end="return W1 + rate * dW1, W2 + rate * dW2"),
        "right_step",
        "W2: this is the value with + for −",
    ),
    (
        "02.3",
        step(end="W1 -= rate * dW1; W2 -= rate * dW2; return W1, W2"),
        "right_step",
        "in place",
    ),
    ("02.3", step(W2="(W2 - rate * dW2)"), "right_step", "W1: dH1 is made from W2 as"),
    ("02.3", step(end="return dW1, dW2"), "right_step", "W2: this is the gradient"),
    ("02.3", step(blocks="{'W2'}"), "wrong_blocks", "last row"),
    ("02.3", step(blocks="{'W1', 'b1', 'W2', 'b2'}"), "wrong_blocks", "dZ1"),
    ("02.3", step(blocks="{'W1', 'b1'}"), "wrong_blocks", "shape of dW2"),
    ("02.3", step(blocks="{'dW2'}"), "wrong_blocks", "last row"),
    ("02.3", step(blocks="None"), "wrong_blocks", "no answer"),
    ("02.4", DEAD.format(""), "W1, b1, W2", "look"),
    ("02.4", DEAD.format("zero['W1'][:, 2] = zero['b1'][2] = True"), "W2", "(2.6)"),
    (
        "02.4",
        DEAD.format("zero['W1'][:, 2] = zero['b1'][2] = zero['W2'][:, 2] = True"),
        "W2",
        "(2.6)",
    ),
    (
        "02.4",
        DEAD.format(
            "zero['W1'][:, 2] = zero['b1'][2] = zero['W2'][2] = zero['b2'][2] = True"
        ),
        "b2",
        "sums dF",
    ),
    (
        "02.4",
        DEAD.format("zero['W1'][:, 2] = zero['W2'][2] = zero['b1'][2] = True")
        + "zero = {name: ~block for name, block in zero.items()}",
        "W1, b1, W2, b2",
        "True is where it must be zero",
    ),
    (
        "02.4",
        DEAD.format(
            "zero['W1'][:, 2] = zero['b1'][2] = zero['W2'][2] = True; del zero['b2']"
        ),
        "b2",
        "no such block",
    ),
    ("02.5", fit(first="[]"), "fit", "before the first"),
    ("02.5", fit(out="losses[:-1]"), "fit", "after the last"),
    (
        "02.5",
        fit(step="theta = theta + rate * net.gradient(theta, X, Y)"),
        "fit",
        "minus",
    ),
    ("02.5", fit(step="theta -= rate * net.gradient(theta, X, Y)"), "fit", "in place"),
    (
        "02.5",
        fit(step="theta - rate * net.gradient(theta, X, Y)"),
        "fit",
        "never moves",
    ),
    ("02.5", fit(pair="0.01, 10"), "rate and steps", "of its start"),
    ("02.5", fit(pair="3, 4000"), "rate and steps", "too large"),
    ("02.5", fit(pair="0.1, 9000"), "rate and steps", "5,000"),
    ("02.5", fit(pair="None, None"), "rate and steps", "no answer"),
    (  # the error is carried forward: dH1 and dZ1 follow from the wrong dF
        "02.1",
        HAND.format(
            "[[4], [-4], [-4]]",
            "[[4, -8], [-4, 8], [-4, 8]]",
            "[[8, 0], [-16, 16], [8, -32]]",
        ),
        "dF",
        "",
    ),
]
