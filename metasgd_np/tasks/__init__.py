"""Where support and query sets come from."""

from .batch import TaskBatch
from .sinusoid import Sinusoids

__all__ = ["Sinusoids", "TaskBatch"]
