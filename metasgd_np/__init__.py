"""Meta-SGD in NumPy, with every derivative written out by hand."""

from . import terminal  # noqa: F401 (before the slow imports)
from .adaptation import MetaGradient, adapt, meta_gradient
from .deep_net import DeepNet
from .gradient_check import (
    agreement,
    check_gradient,
    check_hvp,
    check_meta_gradient,
    gradcheck,
)
from .learners import MAML, JointTraining, MetaSGD, Reptile
from .network import TwoLayerNet
from .optimizers import SGD, Adam
from .second_order import hessian, hvp
from .tasks import Sinusoids, TaskBatch
from .training import evaluate, train
from .worksheets import Worksheet

__version__ = "0.1.0"

__all__ = [
    "MAML",
    "SGD",
    "Adam",
    "DeepNet",
    "JointTraining",
    "MetaGradient",
    "MetaSGD",
    "Reptile",
    "Sinusoids",
    "TaskBatch",
    "TwoLayerNet",
    "Worksheet",
    "adapt",
    "agreement",
    "check_gradient",
    "check_hvp",
    "check_meta_gradient",
    "evaluate",
    "gradcheck",
    "hessian",
    "hvp",
    "meta_gradient",
    "train",
]
