"""The world: one room for each kind of it. What a library calls things never leaves its file."""
