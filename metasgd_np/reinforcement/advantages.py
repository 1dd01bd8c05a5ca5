"""Advantages: how much better each action did than expected.

The return of an action is the sum of the rewards that follow, discounted by γ:

    G_t = r_t + γ G_{t+1}                                               (12.10)

The expected return is estimated by a baseline b, here linear in features φ(x, t) of the
state and the time, fitted to the task's own returns by least squares:

    b = φ(x, t)ᵀ c,  (ΦᵀΦ + ε I) c = Φᵀ G                               (12.11)

A baseline that does not depend on the action leaves the expected policy gradient
unchanged and removes most of its noise. One step does better than expected by

    e_t = r_t + γ b_{t+1} − b_t,  b = 0 after the end                   (12.12)

and the advantage sums this over the current and later steps; the smaller κ is, the more
it relies on the baseline for the later ones:

    A_t = e_t + γ κ A_{t+1}                                             (12.13)

With κ = 1 the sum is G − b; κ < 1 removes more noise but lets in the baseline's own
errors. Advantages are shifted and scaled to mean 0 and variance 1 within the task.

Sources: Duan et al., arXiv:1604.06778, for the features; Schulman et al.,
arXiv:1506.02438, for (12.13), the generalised advantage estimate, where κ is called λ.
"""

import numpy as np

from .gaussian_loss import policy_targets

RIDGE = 1e-5


def discounted_returns(rewards, discount):
    """G (..., S) of rewards (..., S), equation (12.10)."""
    G = np.array(rewards)
    for t in range(G.shape[-1] - 2, -1, -1):
        G[..., t] += discount * G[..., t + 1]  # (12.10)
    return G


def baseline(states, alive, G):
    """b (T, M, S) fitted to the returns G of the steps before the end, (12.11)."""
    t = np.broadcast_to(np.arange(G.shape[-1]) / 100, G.shape)  # (T, M, S)
    time = np.stack([t**0, t, t**2, t**3], axis=-1)  # (T, M, S, 4)
    Phi = np.concatenate([states, states**2, time], axis=-1)  # (T, M, S, F)
    Phi = (Phi * alive[..., None]).reshape(len(G), -1, Phi.shape[-1])  # (T, N, F)
    left = Phi.mT @ Phi + RIDGE * np.eye(Phi.shape[-1])  # (T, F, F)
    right = Phi.mT @ G.reshape(len(G), -1, 1)  # (T, F, 1)
    return (Phi @ np.linalg.solve(left, right)).reshape(G.shape)  # (12.11)


def advantages_of(rewards, b, discount, gae_lambda):
    """A (..., S) of rewards and a baseline b (..., S), (12.12) and (12.13)."""
    b_next = np.concatenate([b[..., 1:], 0 * b[..., :1]], axis=-1)  # (..., S)
    e = rewards + discount * b_next - b  # (..., S) (12.12)
    return discounted_returns(e, discount * gae_lambda)  # (..., S) (12.13)


def policy_batch(trajectories, discount, gae_lambda):
    """X (T, N, D) and Y (T, N, 2O+1) for a GaussianPolicy; N is M·S.

    Steps after the end have weight 0; the others are scaled so that 1/N gives a mean.
    discount is γ, gae_lambda κ of (12.12) and (12.13).
    """
    t = trajectories
    alive = t.alive.astype(np.float64)  # (T, M, S)
    rewards = t.rewards.astype(np.float64)  # (T, M, S)
    G = discounted_returns(rewards, discount)
    b = baseline(t.states.astype(np.float64), alive, G)  # (T, M, S)
    advantages = advantages_of(rewards, b, discount, gae_lambda)  # (T, M, S)
    share = alive / alive.mean((1, 2), keepdims=True)  # of mean 1
    centred = advantages - (share * advantages).mean((1, 2), keepdims=True)
    spread = np.sqrt((share * centred**2).mean((1, 2), keepdims=True))
    weights = (share * centred / (spread + 1e-8)).astype(t.states.dtype)
    n_tasks = len(weights)
    X = t.states.reshape(n_tasks, -1, t.states.shape[-1])  # (T, N, D)
    A = t.actions.reshape(n_tasks, -1, t.actions.shape[-1])  # (T, N, O)
    return X, policy_targets(A, weights.reshape(n_tasks, -1))
