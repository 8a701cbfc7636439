"""Bytes on their way to a destination: side by side, hashed as they arrive, put in place as a whole."""
