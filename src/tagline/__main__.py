"""``python -m tagline``."""

import sys

from tagline.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
