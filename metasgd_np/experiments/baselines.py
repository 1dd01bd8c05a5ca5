"""Simple baselines for few-shot classification.

They use a task's support set alone, or with a network trained on all training classes
at once:

- nearest neighbour: the label of the support drawing with the closest pixels;
- logistic regression: a linear layer, fitted to the support set from zero;
- joint training: a network trained to classify all training classes; its first layer is
  kept, a new last layer starts at zero, and both are fine-tuned on the support set.

The last two are gradient descent, so `evaluate` runs them like any learner.
"""

from dataclasses import dataclass

import numpy as np

from ..checks import as_rng, check_has, choose, whole_number
from ..deep_net import DeepNet
from ..learners import JointTraining
from ..net_checks import WHOLE_BATCH, check_vector
from ..network import TwoLayerNet
from ..tasks import Characters
from ..tasks.batch import DTYPES, unchecked_batch
from ..tasks.few_shot import check_characters
from ..training import Evaluation

SLICE = 20  # tasks compared at a time


def nearest_neighbour(batch):
    """Accuracy on each task of predicting the label of the nearest support point.

    The nearest has the smallest ‖x − s‖² = ‖x‖² + ‖s‖² − 2 x·s, where ‖x‖² is the same
    for every s. Returns an Evaluation without steps, scores (1, T).

    Raises TypeError unless it is given a TaskBatch with integer labels.
    """
    check_has("batch", batch, WHOLE_BATCH, "a TaskBatch(X_s, Y_s, X_q, Y_q)")
    for name, Y in (("Y_s", batch.Y_s), ("Y_q", batch.Y_q)):
        if Y.dtype.kind not in "iu" or Y.ndim != 2:
            raise TypeError(
                f"{name} has dtype {Y.dtype} and shape {Y.shape}, but it must hold "
                "integer class labels (T, N); convert them with astype(int)"
            )
    scores = []
    for start in range(0, len(batch), SLICE):  # for memory
        part = batch[start : start + SLICE]
        X_s, X_q = part.X_s, part.X_q
        distance = (X_s**2).sum(-1)[:, None] - 2 * X_q @ X_s.mT  # (T, N_q, N_s)
        found = np.take_along_axis(part.Y_s, distance.argmin(-1), axis=-1)  # (T, N_q)
        scores.append((found == part.Y_q).mean(-1))
    return Evaluation(np.concatenate(scores)[None])


def logistic_regression(n_in, ways, alpha):
    """(learner, w) of a linear layer that starts from zero, to fit at step size α."""
    net = DeepNet((n_in, ways), loss="softmax_cross_entropy")
    return JointTraining(net, alpha), np.zeros((1, net.n_params), np.float32)


@dataclass(frozen=True)
class AllClasses:
    """The task of joint training: classify a drawing among all classes.

    `sample` returns drawings shaped like few-shot tasks, `shots` and `n_query` in each,
    but from any class; the labels are class numbers, the same in every task.
    """

    characters: Characters
    dtype: str = "float32"

    def __post_init__(self):
        check_characters(self.characters)
        choose("dtype", self.dtype, DTYPES)

    def __repr__(self):
        return f"AllClasses({self.characters.summary}, dtype={self.dtype!r})"

    def sample(self, rng, n_tasks, shots, n_query=15):
        """Draw a TaskBatch: X_s (n_tasks, shots, S²), Y_s (n_tasks, shots), X_q, Y_q.

        Raises TypeError or ValueError unless counts are whole numbers above 0.
        """
        rng = as_rng(rng)
        n_tasks = whole_number("n_tasks", n_tasks, 1)
        shots = whole_number("shots", shots, 1)
        n_points = shots + whole_number("n_query", n_query, 1)
        images = self.characters.images  # (C, E, S, S)
        Y = rng.integers(len(images), size=(n_tasks, n_points))  # (T, N)
        drawings = rng.integers(images.shape[1], size=Y.shape)  # (T, N)
        X = np.divide(images[Y, drawings], 255, dtype=self.dtype)  # (T, N, S, S)
        X = X.reshape(n_tasks, n_points, -1)  # (T, N, S²)
        return unchecked_batch(X[:, :shots], Y[:, :shots], X[:, shots:], Y[:, shots:])


def new_last_layer(wide, w, ways):
    """(net, w) for `ways` classes: the first layer of `wide` at w, the last one zero.

    wide : TwoLayerNet    trained on all classes, parameters w (1, P_wide)
    """
    check_has("wide", wide, ["activation_name"], "a TwoLayerNet")
    w = check_vector("w", w, wide.n_params)
    net = TwoLayerNet(
        wide.n_in, wide.n_hidden, ways, wide.activation_name, wide.loss_name
    )
    W1, _ = wide.unpack(w)  # (1, D+1, H)
    W2 = np.zeros((1, wide.n_hidden + 1, ways), w.dtype)
    return net, net.pack(W1, W2)
