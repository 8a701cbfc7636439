"""Keeping the index of many repositories, and asking it."""
