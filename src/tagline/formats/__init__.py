"""Text to data by a well-kept library (YAML, JSON Schema). No files, no network."""
