"""How long one training iteration of Meta-SGD takes, beside PyTorch and JAX.

An iteration: sample T tasks with `Sinusoids.sample` (the same sampler for every peer),
take the exact meta-gradient of one inner step in θ and α, take one Adam step on (θ, α),
fetch the loss as a float. The network is 1-64-1 tanh, with 10 support and 10 query
points per task.

    ours       `meta_gradient` and `Adam` of this package
    pytorch    the usual loop over tasks, torch.autograd.grad(create_graph=True)
    jax        one jitted step: vmap over tasks, grad through grad, Adam inside

Every peer has one thread, and the process one core. Before it is timed, a peer must
agree with ours on loss, dθ and dα, on three batches with Adam steps between them.

    pip install -e ".[bench]"
    python tests/benchmarks/training_iteration.py
    python tests/benchmarks/training_iteration.py --tasks 4 25 --peers jax --rounds 50
"""

import argparse
import os
from functools import partial
from math import inf
from time import process_time

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # these are read once, on import
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np

from metasgd_np import Adam, Sinusoids, TwoLayerNet, meta_gradient

try:
    import torch
except ImportError:
    torch = None
try:
    import jax
    import jax.numpy as jnp
except ImportError:
    jax = None

NET = TwoLayerNet(1, 64, 1)
RATE = 1e-3  # of Adam
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}  # relative to the largest entry
TURN_SECONDS = 0.04  # of one peer in one round, but at least one iteration
SLOW_TURNS = 5  # turns of a peer that needs longer than that for one iteration


class Ours:
    """This package; θ and α are optimized as one vector w (2P,)."""

    def __init__(self, net, theta, alpha, steps):
        self.net, self.steps = net, steps
        self.w = np.concatenate([theta, alpha])  # (2P,)
        self.adam = Adam(RATE)
        self.state, self.t = self.adam.start(self.w), 0

    def iterate(self, batch):
        """Take one Adam step; return the loss before it, and its gradient in w."""
        P = self.net.n_params
        mg = meta_gradient(self.net, self.w[:P], self.w[P:], batch, self.steps)
        dw = np.concatenate([mg.d_theta, mg.d_alpha])  # (2P,)
        self.t += 1
        self.w, self.state = self.adam.step(self.w, dw, self.state, self.t)
        return float(mg.loss), [dw]


class PyTorch:
    """The usual loop: task by task, θ and α as lists of four tensors each."""

    def __init__(self, net, theta, alpha, steps):
        self.steps = steps
        torch.set_num_threads(1)
        self.theta, self.alpha = (
            [torch.tensor(b, requires_grad=True) for b in net.blocks(w).values()]
            for w in (theta, alpha)
        )
        self.adam = torch.optim.Adam(self.theta + self.alpha, lr=RATE)

    @staticmethod
    def task_loss(theta, X, Y):
        W1, b1, W2, b2 = theta
        H1 = torch.tanh(torch.addmm(b1, X, W1))  # (N, H)
        return torch.nn.functional.mse_loss(torch.addmm(b2, H1, W2), Y)

    def iterate(self, batch):
        self.adam.zero_grad()
        losses = []
        tensors = map(torch.from_numpy, arrays(batch))
        for X_s, Y_s, X_q, Y_q in zip(*tensors, strict=True):
            theta = self.theta
            for _ in range(self.steps):
                support = self.task_loss(theta, X_s, Y_s)
                g = torch.autograd.grad(support, theta, create_graph=True)
                terms = zip(theta, self.alpha, g, strict=True)
                theta = [w - a * d for w, a, d in terms]
            losses.append(self.task_loss(theta, X_q, Y_q))
        loss = torch.stack(losses).mean()
        loss.backward()
        self.adam.step()
        return loss.item(), [w.grad for w in self.theta + self.alpha]


class Jax:
    """One compiled step on w = (θ, α), (2P,); only the sampling is outside it."""

    def __init__(self, net, theta, alpha, steps):
        self.net, self.steps = net, steps
        jax.config.update("jax_enable_x64", theta.dtype == np.float64)
        self.step = jax.jit(self.uncompiled_step)
        w = jnp.concatenate([theta, alpha])  # (2P,)
        self.state = w, jnp.zeros_like(w), jnp.zeros_like(w), jnp.zeros((), w.dtype)

    def task_loss(self, theta, X, Y):
        W1, W2 = self.net.unpack(theta)
        H1 = jnp.tanh(X @ W1[:-1] + W1[-1])  # (N, H)
        return jnp.mean((H1 @ W2[:-1] + W2[-1] - Y) ** 2)

    def mean_query_loss(self, w, *batch):
        theta, alpha = jnp.split(w, 2)

        def query_loss(X_s, Y_s, X_q, Y_q):
            adapted = theta
            for _ in range(self.steps):
                g = jax.grad(self.task_loss)(adapted, X_s, Y_s)  # (P,)
                adapted = adapted - alpha * g
            return self.task_loss(adapted, X_q, Y_q)

        return jax.vmap(query_loss)(*batch).mean()

    def uncompiled_step(self, state, *batch):
        w, m, v, t = state
        loss, dw = jax.value_and_grad(self.mean_query_loss)(w, *batch)
        t = t + 1
        m = 0.9 * m + 0.1 * dw
        v = 0.999 * v + 0.001 * dw**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        w = w - RATE * m_hat / (jnp.sqrt(v_hat) + 1e-8)
        return (w, m, v, t), loss, dw

    def iterate(self, batch):
        self.state, loss, dw = self.step(self.state, *arrays(batch))
        return float(loss), [dw]


PEERS = {"pytorch": (PyTorch, torch), "jax": (Jax, jax)}


def arrays(batch):
    return batch.X_s, batch.Y_s, batch.X_q, batch.Y_q


def check_agreement(name, peer, ours, batches, tolerance):
    """AssertionError unless a peer has our loss, dθ and dα, also after Adam steps."""
    for batch in batches:
        results = []
        for loss, blocks in (peer.iterate(batch), ours.iterate(batch)):
            dw = np.concatenate([np.ravel(block) for block in blocks])  # (2P,)
            results.append([loss, *np.split(dw, 2)])
        for quantity, a, b in zip(("loss", "dθ", "dα"), *results, strict=True):
            error = np.abs(a - b).max() / np.abs(b).max()
            assert error < tolerance, f"{name}: {quantity} differs by {error:.1e}"


def best_times(actions, rounds):
    """CPU seconds a call, {name: seconds}: each action's best turn in `rounds`."""
    calls, best = {}, dict.fromkeys(actions, inf)
    for name, action in actions.items():
        action()  # warm-up
        calls[name] = int(TURN_SECONDS / seconds(action, 1))
    for i in range(rounds):
        for name, action in actions.items():
            if calls[name] > 0 or i < SLOW_TURNS:
                best[name] = min(best[name], seconds(action, max(1, calls[name])))
    return best


def seconds(action, calls):
    """CPU seconds a call, all threads; waiting for other programs does not count."""
    start = process_time()
    for _ in range(calls):
        action()
    return (process_time() - start) / calls


def compare(net, theta, alpha, steps, sample, names, rounds):
    """Seconds per iteration, {"ours": …, and each peer in names: …}.

    `sample` draws the batch of an iteration; its time counts.
    """
    batches = [sample() for _ in range(3)]
    actions = {}
    for name in ("ours", *names):
        make = PEERS[name][0] if name in PEERS else Ours
        peer, ours = (cls(net, theta, alpha, steps) for cls in (make, Ours))
        check_agreement(name, peer, ours, batches, TOLERANCE[theta.dtype.name])
        actions[name] = lambda peer=peer: peer.iterate(sample())
    return best_times(actions, rounds)


def installed(names):
    """Those of the peers `names` that are installed; says which are not."""
    for name in names:
        if PEERS[name][1] is None:
            print(f'{name} is not installed: pip install -e ".[bench]" brings it')
    return [name for name in names if PEERS[name][1]]


def keep_to_one_core():
    """Run on the last core of those allowed, where the system can do this."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, nargs="+", default=[4, 25, 100, 1000])
    parser.add_argument("--dtype", nargs="+", choices=TOLERANCE, default=[*TOLERANCE])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=[*PEERS])
    options = parser.parse_args()

    keep_to_one_core()
    names = installed(options.peers)

    columns = ["ours µs", "sampling µs", *(f"{name}/ours" for name in names)]
    print("dtype       T", *(f"{column:>13}" for column in columns))
    for dtype in options.dtype:
        for n_tasks in options.tasks:
            rng = np.random.default_rng(0)
            theta = NET.init(rng).astype(dtype)
            alpha = rng.uniform(0.005, 0.1, NET.n_params).astype(dtype)
            sample = partial(Sinusoids(dtype=dtype).sample, rng, n_tasks, shots=10)
            best = compare(NET, theta, alpha, 1, sample, names, options.rounds)
            best |= best_times({"sampling": sample}, options.rounds)
            micros = [f"{best[name] * 1e6:13.0f}" for name in ("ours", "sampling")]
            ratios = [f"{best[name] / best['ours']:13.2f}" for name in names]
            print(f"{dtype} {n_tasks:5d}", *micros, *ratios, flush=True)


if __name__ == "__main__":
    main()
