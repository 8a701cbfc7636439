"""The worlds of changes: a repository on a local forge of each platform, and the command line against it."""

from tests.commands.changes.conftest import make_world, platform, world

__all__ = ["make_world", "platform", "world"]
