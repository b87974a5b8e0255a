"""``python -m tutorial_lib``: see ``tutorial_lib.cli``."""

import sys

from tutorial_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())
