"""TaskBatch: the support and query sets of T tasks at once."""

from dataclasses import dataclass

import numpy as np

from ..checks import as_numbers, shown

DTYPES = {"float64": np.float64, "float32": np.float32}  # of what tasks draw


@dataclass(frozen=True)
class TaskBatch:
    """The support sets, to adapt on, and query sets, to be tested on, of T tasks.

    `len(batch)` is T, and `batch[i:j]` the TaskBatch of tasks i to j − 1.

    Parameters
    ----------
    X_s : (T, N, D) array
        Inputs of the support sets.
    Y_s : (T, N, O) array or (T, N) array of int
        Their targets, or their class labels for softmax.
    X_q : (T, N, D) array
        Inputs of the query sets; N may differ from that of the support sets.
    Y_q : (T, N, O) array or (T, N) array of int
        Their targets or class labels.

    Raises
    ------
    ValueError
        An array is empty, has the wrong number of axes or holds NaN, or two arrays
        disagree on T or N.
    TypeError
        An array does not hold numbers.

    Examples
    --------
    >>> X = np.ones((4, 3, 2))
    >>> batch = TaskBatch(X, X[..., :1], -X, -X[..., :1])
    >>> len(batch), batch[1:3].Y_q.shape
    (4, (2, 3, 1))
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
        for name in "XY":
            S, Q = getattr(self, f"{name}_s"), getattr(self, f"{name}_q")
            if S.ndim != Q.ndim or S.shape[2:] != Q.shape[2:]:
                raise ValueError(
                    f"{name}_s has shape {S.shape} and {name}_q {Q.shape}, but both "
                    "have the same last axis, D or O; give them the same"
                )
        if len(self.X_s) != len(self.X_q):
            raise ValueError(
                f"there are support sets for {len(self.X_s)} tasks and query sets for "
                f"{len(self.X_q)}; give every task one of each"
            )

    def __len__(self) -> int:
        return len(self.X_s)

    def __getitem__(self, tasks: slice) -> "TaskBatch":
        if not isinstance(tasks, slice):
            raise TypeError(
                f"the index is {shown(tasks)}, but a TaskBatch takes a slice; write "
                "batch[i:j], or batch[i : i + 1] for one task"
            )
        X_s = self.X_s[tasks]
        if not len(X_s):
            raise ValueError(
                f"{tasks} selects none of the {len(self)} tasks of this batch; give a "
                "slice that selects at least one"
            )
        return unchecked_batch(X_s, self.Y_s[tasks], self.X_q[tasks], self.Y_q[tasks])


def unchecked_batch(X_s, Y_s, X_q, Y_q):
    """Make a TaskBatch of arrays known to be valid: slices or a sampler's draws."""
    batch = object.__new__(TaskBatch)
    vars(batch).update(X_s=X_s, Y_s=Y_s, X_q=X_q, Y_q=Y_q)
    return batch
