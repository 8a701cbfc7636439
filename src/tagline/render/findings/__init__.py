"""Findings in five formats, each with the line that it is about."""
