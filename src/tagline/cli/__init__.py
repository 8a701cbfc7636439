"""The command line: the table of commands, what each is asked, how it answers. ``main`` is the only error boundary."""
