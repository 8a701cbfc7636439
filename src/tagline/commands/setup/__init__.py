"""Setting up a repository: what is there, what is missing, what people do by hand."""
