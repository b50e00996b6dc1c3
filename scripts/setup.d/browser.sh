# shellcheck shell=bash
# A browser for the tests that look at a report: Debian's package, otherwise what Playwright brings. Ubuntu's package only
# points to a snap, which a container cannot run.

ensure_browser() {
    has_browser && return
    say "the tests look at reports in a browser"
    if [ "$(distribution)" = debian ] && apt_install chromium; then
        return
    fi
    local with_deps=()
    [ "$(id -u)" != 0 ] || with_deps=(--with-deps)
    .venv/bin/playwright install "${with_deps[@]}" chromium || say "no browser could be installed; the tests that need one will say so"
}

has_browser() {
    has chromium || compgen -G "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}/chromium*" >/dev/null
}

distribution() {
    (. /etc/os-release 2>/dev/null && printf '%s' "$ID")
}
