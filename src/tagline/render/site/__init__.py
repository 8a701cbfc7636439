"""The page: templates, scripts and styles of the static site, and what fills them. Needs the extra ``site``."""
