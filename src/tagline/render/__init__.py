"""Answers and findings as text."""
