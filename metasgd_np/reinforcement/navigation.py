"""2-D navigation: a point moves towards a goal that it cannot see.

State: the position x (2,). Action: a velocity v in units of full speed, clipped to
[−1, 1] in each direction; one step moves the point by 0.1 v. Reward: minus the distance
to the goal after the step. A trajectory ends at the horizon, or once both coordinates
are within 0.01 of the goal. Goals are uniform in [−0.5, 0.5]², as is a varying start; a
fixed start is the origin.

Sources: Meta-SGD, arXiv:1707.09835, section 4.3; speed, horizon and the end of a
trajectory as in MAML, arXiv:1703.03400, section 5.3 and its published code.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..checks import (
    as_numbers,
    as_rng,
    check_function,
    check_has,
    choose,
    whole_number,
)
from ..interface import Network
from ..net_checks import check_axes_in_front, check_vector
from ..tasks.batch import DTYPES

STARTS = {"fixed": 0.0, "varying": 1.0}
SPEED = 0.1  # units of length per step
REACHED = 0.01  # in each direction


@dataclass(frozen=True)
class Trajectories:
    """Trajectories of one length, several in each of T tasks.

    Attributes
    ----------
    states : (T, rollouts, steps, 2) array
        The position before each step.
    actions : (T, rollouts, steps, 2) array
        The policy's actions, before clipping.
    rewards : (T, rollouts, steps) array
        Minus the distance to the goal after each step; 0 after the end.
    alive : (T, rollouts, steps) array
        1 for the steps taken, 0 for those after the end.
    """

    states: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    alive: np.ndarray

    @property
    def returns(self):
        """The sum of rewards, averaged over each task's trajectories, (T,)."""
        return self.discounted(1)

    def __getitem__(self, tasks):
        """Take the Trajectories of a slice of the tasks."""
        arrays = (self.states, self.actions, self.rewards, self.alive)
        return Trajectories(*(array[tasks] for array in arrays))

    def discounted(self, discount):
        """Return the mean discounted return of each task, (T,): step t counts γ^t."""
        share = discount ** np.arange(self.rewards.shape[-1])  # (steps,)
        return (self.rewards @ share).mean(-1)


@dataclass(frozen=True)
class Navigation:
    """Tasks of moving to an unseen goal.

    Parameters
    ----------
    start : {"fixed", "varying"}
        Every task starts at the origin, or each at its own random point.
    horizon : int, default 100
        The largest number of steps of a trajectory.
    dtype : {"float64", "float32"}
        Of states, actions and rewards.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range.

    Examples
    --------
    >>> world = Navigation(horizon=5)
    >>> tasks = world.sample(np.random.default_rng(0), n_tasks=3)
    >>> still = world.walk(lambda step, X: 0 * X, tasks, n_trajectories=1)
    >>> still.rewards.shape
    (3, 1, 5)
    """

    start: str = "fixed"
    horizon: int = 100
    dtype: str = "float64"

    def __post_init__(self):
        choose("start", self.start, STARTS)
        object.__setattr__(self, "horizon", whole_number("horizon", self.horizon, 1))
        choose("dtype", self.dtype, DTYPES)

    def sample(self, rng: np.random.Generator | int, n_tasks: int) -> np.ndarray:
        """Draw new tasks (T, 2, 2): a start and a goal for each, in units of length."""
        rng, n_tasks = as_rng(rng), whole_number("n_tasks", n_tasks, 1)
        tasks = rng.uniform(-0.5, 0.5, (n_tasks, 2, 2))
        tasks[:, 0] *= STARTS[self.start]
        return tasks.astype(self.dtype)

    def walk(
        self, act: Callable, tasks: np.ndarray, n_trajectories: int
    ) -> Trajectories:
        """Run a policy function: act(step, X) returns actions; both (T, rollouts, 2).

        Returns Trajectories, n_trajectories of each task. Raises an error if tasks
        or actions have another shape or hold NaN.
        """
        tasks = check_tasks(tasks)
        n_trajectories = whole_number("n_trajectories", n_trajectories, 1)
        check_function("act", act, "step, X")
        shape = (len(tasks), n_trajectories, self.horizon)
        states = np.zeros((*shape, 2), self.dtype)
        actions = np.zeros((*shape, 2), self.dtype)
        rewards = np.zeros(shape, self.dtype)
        alive = np.zeros(shape, self.dtype)
        goals = tasks[:, 1, None]  # (T, 1, 2)
        X = np.repeat(tasks[:, :1], n_trajectories, axis=1)  # (T, rollouts, 2)
        going = np.ones(shape[:2], bool)  # (T, rollouts)
        for step in range(self.horizon):
            A = act(step, X)  # (T, rollouts, 2)
            if np.shape(A) != X.shape:
                raise ValueError(
                    f"act returned shape {np.shape(A)} at step {step}, but the actions "
                    f"of all points have shape {X.shape}, (T, rollouts, 2)"
                )
            states[:, :, step], actions[:, :, step] = X, A
            alive[:, :, step] = going
            X = np.where(going[..., None], X + SPEED * np.clip(A, -1, 1), X)
            away = X - goals  # (T, rollouts, 2)
            rewards[:, :, step] = -np.sqrt((away**2).sum(-1)) * going
            going = going & (np.abs(away) >= REACHED).any(-1)
        as_numbers("actions", actions)
        return Trajectories(states, actions, rewards, alive)

    def roll_out(
        self,
        policy: Network,
        theta: np.ndarray,
        tasks: np.ndarray,
        rng: np.random.Generator | int,
        n_trajectories: int = 20,
    ) -> Trajectories:
        """Draw Trajectories of a GaussianPolicy at θ (P,), or (T, P), one row per task.

        Raises ValueError if an argument does not fit or holds NaN.
        """
        n_trajectories = whole_number("n_trajectories", n_trajectories, 1)
        theta, tasks = check_walk(policy, theta, tasks)
        shape = (self.horizon, len(tasks), n_trajectories, 2)
        noise = as_rng(rng).standard_normal(shape, self.dtype)
        return self.walk(
            lambda step, X: policy.act(theta, X, noise[step]), tasks, n_trajectories
        )


def check_walk(policy, theta, tasks):
    """Return θ and tasks as arrays, or raise unless they fit the policy."""
    check_has("policy", policy, ["act"], "GaussianPolicy(TwoLayerNet(2, 100, 2))")
    if (policy.n_in, policy.n_out) != (2, 2):
        raise ValueError(
            f"the policy has D = {policy.n_in} inputs and O = {policy.n_out} outputs, "
            "but a point has two coordinates and two speeds; use a net with 2 inputs "
            "and 2 outputs"
        )
    tasks = check_tasks(tasks)
    theta = check_vector("theta", theta, policy.n_params)
    if theta.ndim > 2:
        raise ValueError(
            f"theta has shape {theta.shape}, but it is (P,) for all tasks or (T, P)"
        )
    check_axes_in_front(theta=theta.shape[:-1], tasks=tasks.shape[:1])
    return theta, tasks


def check_tasks(tasks):
    """Return tasks as an array of numbers, or raise unless it is (T, 2, 2)."""
    tasks = as_numbers("tasks", tasks)
    if tasks.shape[1:] != (2, 2):
        raise ValueError(
            f"tasks has shape {tasks.shape}, but it holds a start and a goal "
            "per task, (T, 2, 2); world.sample(rng, T) draws them"
        )
    return tasks
