# shellcheck shell=bash disable=SC2154
# uv: the one on PATH where it is new enough, otherwise one from PyPI in a virtual environment of its own, which a system
# Python that is closed to pip (PEP 668) allows as well.

ensure_uv() {
    local wanted
    wanted=$(sed -n 's/^required-version = ">=\(.*\)"/\1/p' pyproject.toml)
    version_reaches "$(uv_version)" "$wanted" && return
    python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv ||
        fail "Python's venv module is needed to install uv; or install uv $wanted or newer yourself: https://docs.astral.sh/uv/"
    say "installing uv"
    python3 -m venv --clear "$tools/uv"
    "$tools/uv/bin/pip" install --quiet --disable-pip-version-check "uv>=$wanted"
    ln -sf "$tools/uv/bin/uv" "$tools/bin/uv"
}

uv_version() {
    has uv && uv --version | cut -d ' ' -f 2
}
