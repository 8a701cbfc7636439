"""What commands need from the world, in words of the registry: one file a port, and one for all repositories."""
