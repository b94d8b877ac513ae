"""`tanggap demo`: complaints of invented people through the real entrances, in the vendors' own formats."""

from .run import DemoError, run

__all__ = ["DemoError", "run"]
