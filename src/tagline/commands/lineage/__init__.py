"""``lineage`` and ``diff``: what is behind an artifact at a commit, read by few questions."""
