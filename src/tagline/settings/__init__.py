"""What the environment says, read once: what is ours and common in settings, each runner's own words in its file."""

from tagline.settings.secret import Login, Secret
from tagline.settings.settings import Settings

__all__ = ["Login", "Secret", "Settings"]
