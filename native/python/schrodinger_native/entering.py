"""``schrodinger-enter``, or ``python -m schrodinger_native.entering``: see :func:`schrodinger_native.enter`."""

import sys

from schrodinger_native._native import enter


def main() -> None:
    """Run a program inside, and end as it does."""
    sys.exit(enter(sys.argv[1:]))


if __name__ == "__main__":
    main()
