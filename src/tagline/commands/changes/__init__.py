"""``plan`` and ``promote``: a change request is read, decided by the domain, carried out and told."""
