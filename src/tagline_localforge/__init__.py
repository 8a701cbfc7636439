"""The local forge: GitHub's and GitLab's REST API and git over HTTP, on real bare repositories.

For tests and for ``tagline demo``. It knows nothing of the rest of Tagline, and PyGithub and
python-gitlab speak to it as they are.
"""

from tagline_localforge.accounts import SteppingClock
from tagline_localforge.model import LocalForge
from tagline_localforge.repository import Repository
from tagline_localforge.server import ForgeServer, serve
from tagline_localforge.state import NotThere, Refused
from tagline_localforge.web import Drop, Exchange, Request, Response

__all__ = [
    "Drop",
    "Exchange",
    "ForgeServer",
    "LocalForge",
    "NotThere",
    "Refused",
    "Repository",
    "Request",
    "Response",
    "SteppingClock",
    "serve",
]
