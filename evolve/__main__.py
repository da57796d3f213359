"""`python -m evolve …` is `gamut evolve …`."""

import sys

from evolve.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "evolve")
    main()
