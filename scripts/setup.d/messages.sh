# shellcheck shell=bash
# What setup tells the user, and how it compares versions.

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# version_reaches HAVE WANT: numbers between dots, compared one by one.
version_reaches() {
    [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$2" "$1" | sort --version-sort | head -n 1)" = "$2" ]
}
