"""Manifests of a snapshot: read, described, validated; and what else a commit says of its artifacts."""
