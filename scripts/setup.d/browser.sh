# shellcheck shell=bash disable=SC2154
# A browser for the tests that look at a report: Debian's package, otherwise the one that Playwright brings, linked to as
# chromium. Ubuntu's package only points to a snap, which a container cannot run.

ensure_browser() {
    has chromium || has google-chrome || {
        say "the tests look at reports in a browser"
        [ "$(distribution)" = debian ] && apt_install chromium
    } || browser_from_playwright || say "no browser could be installed; the tests that need one will say so"
}

browser_from_playwright() {
    local with_deps=() programs
    [ "$(id -u)" != 0 ] || with_deps=(--with-deps)
    .venv/bin/playwright install "${with_deps[@]}" chromium || return 1
    programs=("${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}"/chromium-*/chrome-linux*/chrome)
    ln -sf "${programs[-1]}" "$tools/bin/chromium"
}

distribution() {
    (. /etc/os-release 2>/dev/null && printf '%s' "$ID")
}
