"""The index on disk and in stores, and the engine that answers questions about it."""
