"""One small example, every value worked out by hand, and what goes wrong with it."""

from .mistakes import CATALOGUE, ENTRIES
from .worksheet import Worksheet

__all__ = ["CATALOGUE", "ENTRIES", "Worksheet"]
