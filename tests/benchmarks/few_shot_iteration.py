"""How long one training iteration of few-shot classification takes, beside PyTorch.

An iteration: the exact meta-gradient of Meta-SGD in θ and α, one Adam step on (θ, α),
the loss as a float. 16 tasks, 5-way 1-shot with 15 queries per class, on random images
of 28 × 28 pixels; the network is 784-256-5 tanh with softmax cross-entropy, float32.

    ours       `meta_gradient` and `Adam` of this package
    loop       the usual loop over tasks, torch.autograd.grad(create_graph=True)
    vmap       torch.func: vmap over tasks, grad through grad

All get the same number of threads and take turns in one process; the best turn counts,
in processor time on one thread, in elapsed time on more. Before it is timed, a peer
must agree with ours on loss, dθ and dα.

    pip install -e ".[bench]"
    OMP_NUM_THREADS=2 python tests/benchmarks/few_shot_iteration.py
    OMP_NUM_THREADS=1 python tests/benchmarks/few_shot_iteration.py --steps 5
"""

import argparse
import os
from math import inf
from time import perf_counter, process_time

import numpy as np
import torch

from metasgd_np import Adam, TaskBatch, TwoLayerNet, meta_gradient

NET = TwoLayerNet(784, 256, 5, loss="softmax_cross_entropy")
N_TASKS, WAYS, QUERIES, RATE = 16, 5, 15, 1e-3
THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
clock = process_time if THREADS == 1 else perf_counter


def random_batch(rng):
    """16 tasks of random images, every class in turn."""
    X = rng.random((N_TASKS, WAYS * (1 + QUERIES), 784), dtype=np.float32)
    Y = np.tile(np.arange(WAYS), (N_TASKS, 1 + QUERIES))
    return TaskBatch(X[:, :WAYS], Y[:, :WAYS], X[:, WAYS:], Y[:, WAYS:])


class Ours:
    """This package; θ and α are the rows of w (2, P)."""

    def __init__(self, theta, alpha, steps):
        self.steps = steps
        self.w = np.stack([theta, alpha])  # (2, P)
        self.adam = Adam(RATE)
        self.state, self.t = self.adam.start(self.w), 0

    def gradient(self, batch):
        mg = meta_gradient(NET, *self.w, batch, self.steps)
        return float(mg.loss), np.stack([mg.d_theta, mg.d_alpha])

    def iterate(self, batch):
        loss, dw = self.gradient(batch)
        self.t += 1
        self.w, self.state = self.adam.step(self.w, dw, self.state, self.t)
        return loss


class Loop:
    """Task by task; θ and α as lists of four tensors each."""

    def __init__(self, theta, alpha, steps):
        self.steps = steps
        torch.set_num_threads(THREADS)
        self.theta, self.alpha = (
            [torch.tensor(b, requires_grad=True) for b in NET.blocks(w).values()]
            for w in (theta, alpha)
        )
        self.adam = torch.optim.Adam(self.theta + self.alpha, lr=RATE)

    @staticmethod
    def task_loss(theta, X, Y):
        W1, b1, W2, b2 = theta
        F = torch.tanh(X @ W1 + b1) @ W2 + b2  # (N, O)
        return torch.nn.functional.cross_entropy(F, Y)

    def query_loss(self, theta, alpha, X_s, Y_s, X_q, Y_q):
        for _ in range(self.steps):
            support = self.task_loss(theta, X_s, Y_s)
            g = torch.autograd.grad(support, theta, create_graph=True)
            theta = [w - a * d for w, a, d in zip(theta, alpha, g, strict=True)]
        return self.task_loss(theta, X_q, Y_q)

    def gradient(self, batch):
        tensors = map(torch.from_numpy, (batch.X_s, batch.Y_s, batch.X_q, batch.Y_q))
        self.adam.zero_grad()
        total = 0.0
        for task in zip(*tensors, strict=True):
            loss = self.query_loss(self.theta, self.alpha, *task) / N_TASKS
            loss.backward()
            total += loss.item()
        return total, self.gathered([w.grad for w in self.theta + self.alpha])

    def iterate(self, batch):
        self.gradient(batch)
        self.adam.step()

    @staticmethod
    def gathered(gradients):
        flat = torch.cat([g.ravel() for g in gradients])
        return flat.reshape(2, -1).numpy()  # (2, P)


class Vmap(Loop):
    """All tasks at once with torch.func."""

    def query_loss(self, theta, alpha, X_s, Y_s, X_q, Y_q):
        for _ in range(self.steps):
            g = torch.func.grad(self.task_loss)(theta, X_s, Y_s)
            theta = [w - a * d for w, a, d in zip(theta, alpha, g, strict=True)]
        return self.task_loss(theta, X_q, Y_q)

    def mean_loss(self, theta, alpha, *tensors):
        axes = (None, None, 0, 0, 0, 0)
        return torch.vmap(self.query_loss, axes)(theta, alpha, *tensors).mean()

    def gradient(self, batch):
        tensors = map(torch.from_numpy, (batch.X_s, batch.Y_s, batch.X_q, batch.Y_q))
        step = torch.func.grad_and_value(self.mean_loss, (0, 1))
        (d_theta, d_alpha), loss = step(self.theta, self.alpha, *tensors)
        for w, g in zip(self.theta + self.alpha, d_theta + d_alpha, strict=True):
            w.grad = g.detach()
        return loss.item(), self.gathered([w.grad for w in self.theta + self.alpha])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1, help="inner steps")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    theta = NET.init(rng).astype(np.float32)
    alpha = rng.uniform(0.05, 0.15, NET.n_params).astype(np.float32)
    batch = random_batch(rng)
    makers = {"ours": Ours, "loop": Loop, "vmap": Vmap}
    peers = {name: make(theta, alpha, options.steps) for name, make in makers.items()}
    loss, dw = peers["ours"].gradient(batch)
    for name, peer in peers.items():
        peer_loss, peer_dw = peer.gradient(batch)
        error = np.abs(peer_dw - dw).max(1) / np.abs(dw).max(1)  # (2,) θ, α
        assert abs(peer_loss - loss) < 1e-5 * loss, name
        assert (error < 1e-4).all(), (name, error)

    best = dict.fromkeys(peers, inf)
    for _ in range(options.rounds):
        for name, peer in peers.items():
            start = clock()
            peer.iterate(batch)
            best[name] = min(best[name], clock() - start)
    print(f"{THREADS} threads, {options.steps} inner steps")
    for name, seconds in best.items():
        ratio = seconds / best["ours"]
        print(f"{name:5}  {1e3 * seconds:7.1f} ms   {ratio:5.2f} times ours")


if __name__ == "__main__":
    main()
