"""Midstage, the open retail middle platform (零售中台)."""

__version__ = "0.1.0"
