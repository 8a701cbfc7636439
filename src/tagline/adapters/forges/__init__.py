"""GitHub's and GitLab's REST API: the port Forge, by their client libraries, and their refusals in our words."""
