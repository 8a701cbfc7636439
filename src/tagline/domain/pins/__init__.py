"""Pins: exactly which version of another repository's artifact a repository uses."""
