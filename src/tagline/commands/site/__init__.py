"""The page: an index's rows become the files of a static site, and only what changed is written."""
