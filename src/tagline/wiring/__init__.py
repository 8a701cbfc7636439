"""Which adapters serve which run: the only room that names them. ``tokens`` says whose token goes where."""
