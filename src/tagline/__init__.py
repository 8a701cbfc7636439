"""Tagline: a Git-native model registry that runs inside CI."""

__version__ = "0.1.0"
