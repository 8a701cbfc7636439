"""The index: every repository's registry as rows of tables, and where each row lies."""
