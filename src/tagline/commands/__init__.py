"""One use case a file: it reads through ports and lets the domain decide. No adapter, no printing."""
