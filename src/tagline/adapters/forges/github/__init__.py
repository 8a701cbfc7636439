"""GitHub's REST API, by PyGithub: the parts of the port Forge, and the port Delivery."""
