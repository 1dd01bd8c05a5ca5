"""Sine waves: every task is one curve, sampled at a few points."""

from dataclasses import dataclass

import numpy as np

from ..checks import as_numbers, as_rng, choose, interval, whole_number
from .batch import DTYPES, TaskBatch, unchecked_batch


@dataclass(frozen=True)
class Sinusoids:
    """Regression tasks y = A sin(ωx + b), one curve per task.

    A, ω and b are drawn uniformly for each task and x uniformly for each point. The
    defaults are those of Meta-SGD (arXiv:1707.09835, section 4.1).

    Parameters
    ----------
    amplitude : (low, high)
        Range of A, in units of y.
    frequency : (low, high)
        Range of ω, in radians per unit of x; (1, 1) is MAML's setting.
    phase : (low, high)
        Range of b, in radians.
    x_range : (low, high)
        Range of the inputs x.
    grid : int, optional
        Draw x, without repetition within a task, from this many equally spaced points
        (100 in Ravichandiran's book) instead of the whole range.
    dtype : {"float64", "float32"}
        Type of the numbers.

    Raises
    ------
    TypeError
        A range is not two numbers, or `grid` is not a whole number.
    ValueError
        A range is infinite or reversed, or `grid` or `dtype` is invalid.

    Examples
    --------
    >>> waves = Sinusoids(frequency=(1, 1))
    >>> waves.sample(np.random.default_rng(0), 4, shots=5).X_s.shape
    (4, 5, 1)
    """

    amplitude: tuple[float, float] = (0.1, 5.0)
    frequency: tuple[float, float] = (0.8, 1.2)
    phase: tuple[float, float] = (0.0, float(np.pi))
    x_range: tuple[float, float] = (-5.0, 5.0)
    grid: int | None = None
    dtype: str = "float64"

    def __post_init__(self):
        for name in ("amplitude", "frequency", "phase", "x_range"):
            object.__setattr__(self, name, interval(name, getattr(self, name)))
        if self.grid is not None:
            object.__setattr__(self, "grid", whole_number("grid", self.grid, 2))
        choose("dtype", self.dtype, DTYPES)

    def sample(
        self,
        rng: np.random.Generator | int,
        n_tasks: int,
        shots: int,
        n_query: int = 10,
    ) -> TaskBatch:
        """Draw curves, and points on each of them.

        Parameters
        ----------
        rng : Generator or int
            Source of randomness, or its seed; the same state gives the same tasks.
        n_tasks : int
            Number of tasks, T.
        shots : int
            Support points per task.
        n_query : int
            Query points per task.

        Returns
        -------
        TaskBatch
            X_s, Y_s (T, shots, 1) and X_q, Y_q (T, n_query, 1).

        Raises
        ------
        ValueError
            A count is below 1, or shots + n_query exceeds the points of the grid.

        Examples
        --------
        >>> batch = Sinusoids().sample(np.random.default_rng(0), 4, shots=5, n_query=7)
        >>> batch.X_q.shape, bool(np.abs(batch.Y_q).max() <= 5)
        ((4, 7, 1), True)
        """
        rng = as_rng(rng)
        n_tasks = whole_number("n_tasks", n_tasks, 1)
        shots = whole_number("shots", shots, 1)
        n_query = whole_number("n_query", n_query, 1)
        X = self._inputs(rng, n_tasks, shots + n_query)  # (T, N, 1)
        Y = sines(self.sample_curves(rng, n_tasks), X)  # (T, N, 1)
        X = X.astype(self.dtype, copy=False)
        Y = Y.astype(self.dtype, copy=False)
        return unchecked_batch(X[:, :shots], Y[:, :shots], X[:, shots:], Y[:, shots:])

    def sample_curves(self, rng: np.random.Generator | int, n_tasks: int) -> np.ndarray:
        """Draw A, ω and b of each task.

        Parameters
        ----------
        rng : Generator or int
            Source of randomness, or its seed.
        n_tasks : int
            Number of tasks, T.

        Returns
        -------
        (3, T, 1, 1) array
            A, ω and b, each (T, 1, 1), so that they broadcast against x (T, N, 1).

        Examples
        --------
        >>> A, omega, b = Sinusoids().sample_curves(np.random.default_rng(0), 4)
        >>> omega.shape, bool((0.8 <= omega).all() and (omega <= 1.2).all())
        ((4, 1, 1), True)
        """
        rng, n_tasks = as_rng(rng), whole_number("n_tasks", n_tasks, 1)
        ranges = (self.amplitude, self.frequency, self.phase)
        low, high = np.array(ranges).T[:, :, None, None, None]  # each (3, 1, 1, 1)
        return low + (high - low) * rng.random((3, n_tasks, 1, 1))

    def curve(self, curves: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Evaluate y = A sin(ωx + b).

        Parameters
        ----------
        curves : (3, T, 1, 1) array
            A, ω and b, as `sample_curves` returns them.
        X : (T, N, 1) or (N, 1) array
            Inputs, per task or shared by all.

        Returns
        -------
        (T, N, 1) array
            The values y.

        Raises
        ------
        ValueError
            An array has another shape, or holds NaN.

        Examples
        --------
        >>> X = np.array([[0.0], [np.pi / 2]])
        >>> Sinusoids().curve(np.array([2.0, 1.0, 0.0]).reshape(3, 1, 1, 1), X).tolist()
        [[[0.0], [2.0]]]
        """
        curves, X = as_numbers("curves", curves), as_numbers("X", X)
        if curves.ndim != 4 or curves.shape != (3, len(curves[0]), 1, 1):
            raise ValueError(
                f"curves has shape {curves.shape}, but it holds A, ω and b of each "
                "task, (3, T, 1, 1); sample_curves(rng, T) draws them"
            )
        if X.shape[-1:] != (1,) or X.shape[:-2] not in ((), curves.shape[1:2]):
            raise ValueError(
                f"X has shape {X.shape}, but inputs are (N, 1), or (T, N, 1) with T = "
                f"{curves.shape[1]}; add missing axes with X[..., None]"
            )
        return sines(curves, X)

    def _inputs(self, rng, n_tasks, n_points):
        """Draw x (n_tasks, n_points, 1)."""
        low, high = self.x_range
        if self.grid is None:
            return low + (high - low) * rng.random((n_tasks, n_points, 1))
        if n_points > self.grid:
            raise ValueError(
                f"shots + n_query is {n_points}, but the grid has {self.grid} points; "
                "ask for fewer points or a finer grid"
            )
        order = rng.random((n_tasks, self.grid)).argsort(-1)[:, :n_points]
        return np.linspace(low, high, self.grid)[order][..., None]


def sines(curves, X):
    """Compute y = A sin(ωx + b) (T, N, 1) from curves (3, T, 1, 1) and X."""
    A, omega, b = curves  # each (T, 1, 1)
    return A * np.sin(omega * X + b)
