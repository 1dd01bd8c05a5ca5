"""How the time of one training iteration grows with T, H, K, J and P, and why.

The same iteration and the same peers as in training_iteration.py, float32. One quantity
grows at a time, the others stay at T = 25 tasks, H = 64 hidden units, K = 10 support
and 10 query points per task, J = 1 inner step and D = 1 input; P grows with D, at H =
64. The batch is random and drawn beforehand.

Beside them stands what the lines of the derivation cost at least in NumPy:

    calls       an iteration with nothing to compute (T = H = K = 1), and once more its
                meta-gradient for every further chunk
    passes      elementwise operations, each one pass over memory
    tanh        the transcendental function, once per hidden unit and forward pass
    products    the batched matrix products, most of them with an inner or outer
                dimension of 1 or 2

Each is a count times the seconds of one, measured here in arrays that stay in cache.

    pip install -e ".[bench]"
    python tests/benchmarks/growth.py

prints all numbers and draws growth.png, beside this file.
"""

import argparse
from functools import cache
from math import ceil
from pathlib import Path

from training_iteration import (  # first: sets one thread, before NumPy is imported
    PEERS,
    Ours,
    best_times,
    compare,
    installed,
    keep_to_one_core,
)

# isort: split
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from metasgd_np import TaskBatch, TwoLayerNet, meta_gradient
from metasgd_np.adaptation import chunk_length

BASE = {"T": 25, "H": 64, "K": 10, "J": 1, "D": 1}
SWEEPS = {  # the quantity that grows, its values, the label of its axis
    "T": ((1, 5, 25, 125, 625), "T, tasks"),
    "H": ((4, 16, 64, 256, 1024), "H, hidden units"),
    "K": ((2, 10, 50, 250), "K, points per set and task"),
    "J": ((1, 2, 4, 8), "J, inner steps"),
    "D": ((1, 8, 64, 512), "P, parameters (by inputs D)"),
}
DTYPE = "float32"
ROUNDS = 40  # of the constants
IN_CACHE = (100, 10, 64)  # (T, N, H)
PARTS = ("calls", "passes", "tanh", "products")
STYLES = {
    "ours": {"color": "black", "marker": "o"},
    "pytorch": {"color": "0.4", "marker": "s"},
    "jax": {"color": "0.6", "marker": "^"},
    "limit": {"color": "black", "linestyle": "--"},
    "calls": {"color": "black", "linestyle": ":"},
}
LABELS = {
    "ours": "metasgd_np",
    "pytorch": "PyTorch, loop over tasks",
    "jax": "JAX, one jitted step",
    "limit": "limit of these lines in NumPy",
    "calls": "of it: calls",
}


def problem(T, H, K, J, D):
    """A network, θ, α, J and a function that returns a random batch, for `compare`."""
    rng = np.random.default_rng(0)
    net = TwoLayerNet(D, H, 1)
    theta = net.init(rng).astype(DTYPE)
    alpha = (rng.uniform(0.1, 1, net.n_params) / (D + H)).astype(DTYPE)  # stable steps
    X = rng.standard_normal((2, T, K, D)).astype(DTYPE)
    Y = rng.standard_normal((2, T, K, 1)).astype(DTYPE)
    batch = TaskBatch(X[0], Y[0], X[1], Y[1])
    return net, theta, alpha, J, lambda: batch


@cache
def call_seconds(J):
    """Seconds of an iteration and of a meta-gradient with nothing to compute."""
    net, theta, alpha, J, sample = problem(T=1, H=1, K=1, J=J, D=1)
    ours, batch = Ours(net, theta, alpha, J), sample()
    actions = {
        "iteration": lambda: ours.iterate(batch),
        "meta_gradient": lambda: meta_gradient(net, theta, alpha, batch, J),
    }
    return best_times(actions, ROUNDS)


@cache
def element_seconds(D):
    """Seconds per element of (T, N, H) of a product A * B, of tanh and of X̃ W1."""
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((2, *IN_CACHE)).astype(DTYPE)  # (T, N, H)
    T, N, H = IN_CACHE
    X1 = rng.standard_normal((T, N, D + 1)).astype(DTYPE)
    W1 = rng.standard_normal((D + 1, H)).astype(DTYPE)
    actions = {
        "passes": lambda: A * B,
        "tanh": lambda: np.tanh(A),
        "products": lambda: X1 @ W1,
    }
    best = best_times(actions, ROUNDS)
    return {name: seconds / A.size for name, seconds in best.items()}


def limit(T, H, K, J, D):
    """Seconds of each part of an iteration, counted in network.py and adaptation.py.

    Per element of (T, K, H), a backward pass takes 1 tanh, 4 passes, 2 products with X̃
    and 3 with one output; a tangent pass 7 passes, 2 and 5 products. Per element of
    (T, P), a step and its chain rule take 8 passes, the query set 4, and Adam about 15
    on (θ, α).
    """
    net = TwoLayerNet(D, H, 1)
    n_chunks = ceil(T / chunk_length(net, K, np.dtype(DTYPE).itemsize))
    calls = call_seconds(J)
    with_X, one_output = (element_seconds(d) for d in (D, 1))
    hidden, P = T * K * H, net.n_params
    n_passes = (11 * J + 4) * hidden + ((8 * J + 4) * T + 30) * P
    return {
        "calls": calls["iteration"] + (n_chunks - 1) * calls["meta_gradient"],
        "passes": n_passes * one_output["passes"],
        "tanh": (J + 1) * hidden * one_output["tanh"],
        "products": hidden
        * (
            (4 * J + 2) * with_X["products"]  # (2.1) (2.9) (4.1) (4.8)
            + (8 * J + 3) * one_output["products"]
        ),
    }


def sweep(quantity, names, rounds):
    """Rows of one sweep: {"value": …, "P": …, seconds by name}; each is printed."""
    rows = []
    for value in SWEEPS[quantity][0]:
        sizes = BASE | {quantity: value}
        net, theta, alpha, J, sample = problem(**sizes)
        row = compare(net, theta, alpha, J, sample, names, rounds)
        row |= limit(**sizes)
        row["limit"] = sum(row[part] for part in PARTS)
        micros = [f"{1e6 * row[name]:9.0f}" for name in ("ours", "limit", *PARTS)]
        ratios = [f"{row[name] / row['ours']:9.2f}" for name in ("limit", *names)]
        print(f"{quantity} {value:5d} {net.n_params:7d}", *micros, *ratios, flush=True)
        rows.append(row | {"value": net.n_params if quantity == "D" else value})
    return rows


def draw(sweeps, names):
    """One panel per quantity, one line per name."""
    figure, axes = plt.subplots(2, 3, figsize=(9, 5.4), sharey=True, layout="tight")
    for ax, (quantity, rows) in zip(axes.flat, sweeps.items(), strict=False):
        x = [row["value"] for row in rows]
        for name in ("ours", *names, "limit", "calls"):
            y = [1e6 * row[name] for row in rows]
            ax.loglog(x, y, markersize=4, label=LABELS[name], **STYLES[name])
        ax.set_xlabel(SWEEPS[quantity][1])
        ax.set_xticks(x, [f"{value:,}" for value in x])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    for row in axes:
        row[0].set_ylabel("processor time per iteration, µs")
    axes[1, 2].axis("off")
    axes[1, 2].legend(*axes[0, 0].get_legend_handles_labels(), loc="center")
    path = Path(__file__).with_suffix(".png")
    figure.savefig(path, dpi=100)
    Image.open(path).convert("L").save(path, optimize=True)  # a third of the bytes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    keep_to_one_core()
    names = installed(PEERS)
    nanos = {name: f"{1e9 * s:.2f}" for name, s in element_seconds(1).items()}
    print("ns per element, in cache:", nanos)
    columns = ["ours µs", "limit µs", *PARTS]
    columns += [f"{name}/ours" for name in ("limit", *names)]
    print("            P   ", *(f"{column:>9}" for column in columns))
    draw({q: sweep(q, names, options.rounds) for q in SWEEPS}, names)


if __name__ == "__main__":
    main()
