"""One small example worked out by hand, and the catalogue of mistakes."""

from .mistakes import CATALOGUE, ENTRIES
from .worksheet import Worksheet

__all__ = ["CATALOGUE", "ENTRIES", "Worksheet"]
