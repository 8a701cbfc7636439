"""Pinning a version, taking exactly that one, and seeing what has moved since."""
