"""Tagline: a Git-native model registry that runs inside CI."""

__version__ = "1.0.0"
