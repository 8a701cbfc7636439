"""YAML by the core schema of 1.2, with places and limits; and data back to YAML that all readers take the same way."""
