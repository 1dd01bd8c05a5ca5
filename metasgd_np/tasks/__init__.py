"""Where support and query sets come from."""

from .batch import TaskBatch
from .navigation import Navigation
from .sinusoid import Sinusoids

__all__ = ["Navigation", "Sinusoids", "TaskBatch"]
