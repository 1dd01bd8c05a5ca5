"""The one shape in which tasks travel: support and query sets of T tasks at once."""

from dataclasses import dataclass, fields

import numpy as np

from ..checks import as_numbers


@dataclass(frozen=True)
class TaskBatch:
    """Support set (to adapt on) and query set (to be judged on) of T tasks.

    Attributes
    ----------
    X_s, X_q : (T, N, D)    inputs; N may differ between support and query
    Y_s, Y_q : (T, N, O)    targets, or (T, N) integer class labels for softmax

    `len(batch)` is T, and `batch[i:j]` the TaskBatch of tasks i to j − 1.

    Raises
    ------
    ValueError    an array is empty, has the wrong number of axes or holds NaN, or two
                  arrays disagree on T or N
    """

    X_s: np.ndarray
    Y_s: np.ndarray
    X_q: np.ndarray
    Y_q: np.ndarray

    def __post_init__(self):
        for name in ("X_s", "X_q"):
            X = as_numbers(name, getattr(self, name))
            if X.ndim != 3 or 0 in X.shape:
                raise ValueError(
                    f"{name} has shape {X.shape}, but a batch of tasks is (T, N, D), "
                    "each at least 1; add the missing axes with X[None] or X[..., None]"
                )
            object.__setattr__(self, name, X)
        for name, X in (("Y_s", self.X_s), ("Y_q", self.X_q)):
            Y = as_numbers(name, getattr(self, name))
            if Y.ndim not in (2, 3) or Y.shape[:2] != X.shape[:2]:
                raise ValueError(
                    f"{name} has shape {Y.shape}, but its inputs have shape {X.shape}: "
                    f"expected {X.shape[:2]} + (O,) targets, or {X.shape[:2]} labels"
                )
            object.__setattr__(self, name, Y)
        if len(self.X_s) != len(self.X_q):
            raise ValueError(
                f"the support sets are {len(self.X_s)} tasks and the query sets "
                f"{len(self.X_q)}; give every task one of each"
            )

    def __len__(self):
        return len(self.X_s)

    def __getitem__(self, tasks):
        if not isinstance(tasks, slice):
            raise TypeError(f"a TaskBatch takes a slice, batch[i:j], not {tasks!r}")
        return TaskBatch(*(getattr(self, field.name)[tasks] for field in fields(self)))
