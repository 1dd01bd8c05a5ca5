"""Sine waves: every task is one curve, seen at a few points."""

from dataclasses import dataclass

import numpy as np

from ..checks import interval, whole_number
from .batch import TaskBatch


@dataclass(frozen=True)
class Sinusoids:
    """Regression tasks y = A sin(ωx + b), a curve a task.

    A, ω and b are drawn uniformly for each task and x uniformly for each point. The
    defaults are those of Meta-SGD (arXiv:1707.09835, section 4.1).

    Parameters
    ----------
    amplitude : (low, high)    A, in units of y
    frequency : (low, high)    ω, radians per unit of x; (1, 1) is MAML's setting
    phase : (low, high)        b, radians
    x_range : (low, high)      inputs
    grid : int or None         draw x, without repetition within a task, from this many
                               equally spaced points (the book's setting is 100)
    dtype : str                "float64" or "float32"
    """

    amplitude: tuple = (0.1, 5.0)
    frequency: tuple = (0.8, 1.2)
    phase: tuple = (0.0, float(np.pi))
    x_range: tuple = (-5.0, 5.0)
    grid: int | None = None
    dtype: str = "float64"

    def __post_init__(self):
        for name in ("amplitude", "frequency", "phase", "x_range"):
            object.__setattr__(self, name, interval(name, getattr(self, name)))
        if self.grid is not None:
            object.__setattr__(self, "grid", whole_number("grid", self.grid, 2))
        if self.dtype not in ("float64", "float32"):
            raise ValueError(f"dtype is {self.dtype!r}; choose 'float64' or 'float32'")

    def sample(self, rng, n_tasks, shots, n_query=10):
        """Draw a TaskBatch: `shots` support and `n_query` query points a task.

        Shapes: X_s, Y_s (n_tasks, shots, 1); X_q, Y_q (n_tasks, n_query, 1).
        """
        n_tasks = whole_number("n_tasks", n_tasks, 1)
        shots = whole_number("shots", shots, 1)
        n_query = whole_number("n_query", n_query, 1)
        X = self._inputs(rng, n_tasks, shots + n_query)  # (T, N, 1)
        Y = self.curve(self.sample_curves(rng, n_tasks), X)  # (T, N, 1)
        X = X.astype(self.dtype, copy=False)
        Y = Y.astype(self.dtype, copy=False)
        return TaskBatch(X[:, :shots], Y[:, :shots], X[:, shots:], Y[:, shots:])

    def sample_curves(self, rng, n_tasks):
        """Draw (A, ω, b), each (n_tasks, 1, 1)."""
        ranges = (self.amplitude, self.frequency, self.phase)
        low, high = np.array(ranges).T[:, :, None, None, None]  # each (3, 1, 1, 1)
        return low + (high - low) * rng.random((3, n_tasks, 1, 1))

    def curve(self, curves, X):
        """y = A sin(ωx + b) for X (T, N, 1) or (N, 1) → (T, N, 1)."""
        A, omega, b = curves  # each (T, 1, 1)
        return A * np.sin(omega * X + b)

    def _inputs(self, rng, n_tasks, n_points):
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
