"""Which bytes stand behind a path: pointers of DVC and Git LFS, remotes, addresses of objects.

No store is asked here.
"""
