"""Meta-learning of policies: 2-D navigation, inner policy gradients, outer TRPO."""

from .navigation import Navigation
from .policy import GaussianPolicy
from .training import train_policy
from .trpo import TRPO

__all__ = ["TRPO", "GaussianPolicy", "Navigation", "train_policy"]
