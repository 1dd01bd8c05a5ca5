"""From trajectories to a batch: how much better each action did than expected.

What follows an action is its return, later rewards counting less by the discount γ:

    G_t = r_t + γ G_{t+1}                                               (12.10)

What was to be expected is a baseline b, here linear in features φ(x, t) of the state
and the time, fitted to the task's own returns by least squares:

    b = φ(x, t)ᵀ c,  (ΦᵀΦ + ε I) c = Φᵀ G                               (12.11)

The advantage is G − b, shifted and scaled to mean 0 and variance 1 within the task.
A baseline that does not depend on the action leaves the policy gradient's expectation
as it is and takes out most of its noise.

Sources: Duan et al., arXiv:1604.06778, for the features.
"""

import numpy as np

from .policy_loss import policy_targets

RIDGE = 1e-5


def discounted_returns(rewards, discount):
    """G (..., S) of rewards (..., S), equation (12.10)."""
    G = np.array(rewards)
    for t in range(G.shape[-1] - 2, -1, -1):
        G[..., t] += discount * G[..., t + 1]  # (12.10)
    return G


def baseline(states, alive, G):
    """b (T, M, S) fitted to the returns G of the steps that are alive, (12.11)."""
    t = np.broadcast_to(np.arange(G.shape[-1]) / 100, G.shape)  # (T, M, S)
    time = np.stack([t**0, t, t**2, t**3], axis=-1)  # (T, M, S, 4)
    Phi = np.concatenate([states, states**2, time], axis=-1)  # (T, M, S, F)
    Phi = (Phi * alive[..., None]).reshape(len(G), -1, Phi.shape[-1])  # (T, N, F)
    left = Phi.mT @ Phi + RIDGE * np.eye(Phi.shape[-1])  # (T, F, F)
    right = Phi.mT @ G.reshape(len(G), -1, 1)  # (T, F, 1)
    return (Phi @ np.linalg.solve(left, right)).reshape(G.shape)  # (12.11)


def policy_batch(trajectories, discount):
    """X (T, N, D) and Y (T, N, 2O+1) for a GaussianPolicy; N is M·S.

    Steps after the end weigh nothing; the others so that 1/N makes their mean.
    """
    t = trajectories
    alive = t.alive.astype(np.float64)  # (T, M, S)
    G = discounted_returns(t.rewards.astype(np.float64), discount)
    advantages = G - baseline(t.states.astype(np.float64), alive, G)  # (T, M, S)
    share = alive / alive.mean((1, 2), keepdims=True)  # of mean 1
    centred = advantages - (share * advantages).mean((1, 2), keepdims=True)
    spread = np.sqrt((share * centred**2).mean((1, 2), keepdims=True))
    weights = (share * centred / (spread + 1e-8)).astype(t.states.dtype)
    n_tasks = len(weights)
    X = t.states.reshape(n_tasks, -1, t.states.shape[-1])  # (T, N, D)
    A = t.actions.reshape(n_tasks, -1, t.actions.shape[-1])  # (T, N, O)
    return X, policy_targets(A, weights.reshape(n_tasks, -1))
