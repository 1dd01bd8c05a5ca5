"""Advantages: how much better each action did than expected.

The return of an action is the sum of the rewards that follow, discounted by γ:

    G_t = r_t + γ G_{t+1}                                               (12.10)

The expected return is estimated by a baseline V, here linear in features of the state
and the time, fitted to the task's own returns by least squares:

    V(x, t) = (x, x², 1, t, t², t³) · β,
    β minimises Σ (G − V)² + 10⁻⁵ ‖β‖²                                  (12.11)

A baseline that does not depend on the action leaves the expected policy gradient
unchanged and removes most of its noise. One step does better than expected by

    δ_t = r_t + γ V_{t+1} − V_t,  V = 0 after the end                   (12.12)

and the advantage sums this over the current and later steps; the smaller κ is, the more
it relies on the baseline for the later ones:

    ψ_t = δ_t + γ κ ψ_{t+1}                                             (12.13)

With κ = 1 the sum is G − V; κ < 1 removes more noise but lets in the baseline's own
errors. Advantages are shifted and scaled to mean 0 and variance 1 within the task.

Sources: Duan et al., arXiv:1604.06778, for the features; Schulman et al.,
arXiv:1506.02438, for (12.13), the generalised advantage estimate, where κ is called λ.
"""

import numpy as np

from .gaussian_loss import policy_targets

RIDGE = 1e-5


def discounted_returns(rewards, discount):
    """G (..., steps) of rewards (..., steps), equation (12.10)."""
    G = np.array(rewards)
    for t in range(G.shape[-1] - 2, -1, -1):
        G[..., t] += discount * G[..., t + 1]  # (12.10)
    return G


def baseline(states, alive, G):
    """V (T, rollouts, steps) fitted to the returns G before the end, (12.11)."""
    t = np.broadcast_to(np.arange(G.shape[-1]) / 100, G.shape)  # in hundreds of steps
    time = np.stack([t**0, t, t**2, t**3], axis=-1)  # (T, rollouts, steps, 4)
    features = np.concatenate([states, states**2, time], axis=-1)
    features = features * alive[..., None]  # (T, rollouts, steps, 8)
    features = features.reshape(len(G), -1, features.shape[-1])  # (T, N, 8)
    left = features.mT @ features + RIDGE * np.eye(features.shape[-1])  # (T, 8, 8)
    right = features.mT @ G.reshape(len(G), -1, 1)  # (T, 8, 1)
    return (features @ np.linalg.solve(left, right)).reshape(G.shape)  # (12.11)


def advantages_of(rewards, V, discount, gae_lambda):
    """ψ (..., steps) of rewards and a baseline V (..., steps), (12.12), (12.13)."""
    V_next = np.concatenate([V[..., 1:], 0 * V[..., :1]], axis=-1)  # (..., steps)
    delta = rewards + discount * V_next - V  # (..., steps) (12.12)
    return discounted_returns(delta, discount * gae_lambda)  # (..., steps) (12.13)


def policy_batch(trajectories, discount, gae_lambda):
    """X (T, N, D) and Y (T, N, 2O+1) for a GaussianPolicy; N is rollouts · steps.

    Steps after the end have weight 0; the others are scaled so that 1/N gives a mean.
    discount is γ, gae_lambda κ of (12.12) and (12.13).
    """
    alive = trajectories.alive.astype(np.float64)  # (T, rollouts, steps)
    rewards = trajectories.rewards.astype(np.float64)  # (T, rollouts, steps)
    G = discounted_returns(rewards, discount)
    V = baseline(
        trajectories.states.astype(np.float64), alive, G
    )  # (T, rollouts, steps)
    advantages = advantages_of(rewards, V, discount, gae_lambda)
    share = alive / alive.mean((1, 2), keepdims=True)  # of mean 1
    centred = advantages - (share * advantages).mean((1, 2), keepdims=True)
    spread = np.sqrt((share * centred**2).mean((1, 2), keepdims=True))
    weights = (share * centred / (spread + 1e-8)).astype(trajectories.states.dtype)
    n_tasks = len(weights)
    X, A = (
        array.reshape(n_tasks, -1, array.shape[-1])  # (T, N, D) and (T, N, O)
        for array in (trajectories.states, trajectories.actions)
    )
    return X, policy_targets(A, weights.reshape(n_tasks, -1))
