"""A value against a JSON Schema: a fast yes or no, and findings with place, words and fix where it is no."""
