"""The language of searches: read, explained where it is wrong, and asked of the index."""
