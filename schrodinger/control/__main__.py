"""The process that keeps a cluster: ``python -m schrodinger.control WANTED``."""

import sys

from schrodinger.control.keeper import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
