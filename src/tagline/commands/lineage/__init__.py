"""``lineage`` and ``diff``: what is behind an artifact. A commit is read once, for all of its artifacts."""
