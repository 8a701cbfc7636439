"""``tagline demo``: a registry lives through a few changes, on a forge of this machine.

The forge is the local one, over real HTTP; people act on it, and each job that CI would start runs the real
command with a job's environment.
"""

from tagline_localforge.demo.story import demo

__all__ = ["demo"]
