"""The world: git. One file a concern; library types never leave it."""
