"""The documents of ``--json``: one function a shape."""
