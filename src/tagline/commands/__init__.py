"""One use case a file: reads through ports, lets the domain decide."""
