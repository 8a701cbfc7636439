"""Reading the registry, and the administrator's tools. ``reading`` and ``writing`` are how all of them go."""
