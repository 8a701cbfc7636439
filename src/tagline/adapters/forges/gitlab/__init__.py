"""GitLab's REST API, by python-gitlab: the parts of the port Forge."""
