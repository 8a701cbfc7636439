"""Tags as a registry: the grammar, events, the fold to a state, questions to it, and what a write would add."""
