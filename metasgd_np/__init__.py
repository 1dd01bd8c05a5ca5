"""Meta-SGD in NumPy, with every derivative written out by hand."""

from .meta_gradient import MetaGradient, adapt, meta_gradient
from .network import TwoLayerNet
from .second_order import hessian, hvp
from .tasks import Sinusoids, TaskBatch
