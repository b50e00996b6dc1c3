# shellcheck shell=bash disable=SC2154
# Rust, from the first of these that is new enough: what is on PATH, a toolchain that rustup has or can fetch, the
# distribution's packages, the official installer.
#
# A toolchain that is not plainly on PATH is reached through links in .tools/bin.

rust_programs=(cargo rustc rustdoc rustfmt cargo-fmt cargo-clippy clippy-driver)

ensure_rust() {
    local wanted
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' native/Cargo.toml)
    rust_is "$wanted" && return
    say "Rust $wanted or newer is needed"
    rust_from_rustup && rust_is "$wanted" && return
    rust_from_apt "$wanted" && rust_is "$wanted" && return
    rust_from_installer && rust_is "$wanted" && return
    fail "no Rust $wanted or newer could be found or installed; install it (https://rustup.rs) and run this again"
}

rust_is() {
    has cargo && has rustc &&
        version_reaches "$(cargo --version 2>/dev/null | cut -d ' ' -f 2)" "$1" &&
        version_reaches "$(rustc --version 2>/dev/null | cut -d ' ' -f 2)" "$1"
}

# The user's default toolchain stays what it is.
rust_from_rustup() {
    local rustup
    rustup=$(command -v rustup || command -v ~/.cargo/bin/rustup) || return 1
    say "asking rustup for the stable toolchain"
    "$rustup" toolchain install stable --profile minimal --no-self-update || return 1
    link_rust "$(dirname "$("$rustup" which --toolchain stable cargo)")" ""
}

# Stable releases carry a newer Rust beside their first one: rustc-web on Debian, rustc-1.xx on Ubuntu.
rust_from_apt() {
    local suffix
    has apt-get && [ "$(id -u)" = 0 ] || return 1
    apt_update
    suffix=$(packaged_rust "$1") || return 1
    apt_install "rustc$suffix" "cargo$suffix" || return 1
    link_rust /usr/bin "$suffix"
}

# packaged_rust WANT: prints what follows "rustc" in the name of the package to install, which may be nothing.
packaged_rust() {
    local package version
    while read -r package; do
        version=$(apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
        if dpkg --compare-versions "$version" ge "$1"; then
            printf '%s\n' "${package#rustc}"
            return
        fi
    done < <(apt-cache search --names-only '^rustc(-web|-[0-9.]+)?$' | cut -d ' ' -f 1 | sort --version-sort)
    return 1
}

rust_from_installer() {
    local installer=$tools/rustup-init
    say "installing Rust with the official installer, into .tools/rustup"
    python3 scripts/setup.d/download.py \
        "https://static.rust-lang.org/rustup/dist/$(uname -m)-unknown-linux-gnu/rustup-init" "$installer" || return 1
    chmod +x "$installer"
    RUSTUP_HOME=$tools/rustup CARGO_HOME=$tools/cargo RUSTUP_INIT_SKIP_PATH_CHECK=yes \
        "$installer" --quiet -y --no-modify-path --profile minimal --component clippy --component rustfmt || return 1
    link_rust "$(dirname "$tools"/rustup/toolchains/*/bin/cargo)" ""
}

# link_rust DIRECTORY SUFFIX: the programs there, under their plain names. The suffix is that of the packages.
link_rust() {
    local program
    for program in "${rust_programs[@]}"; do
        rm -f "$tools/bin/$program"
        # The programs of rustc-web have the plain names.
        [ ! -x "$1/$program${2#-web}" ] || ln -s "$1/$program${2#-web}" "$tools/bin/$program"
    done
    hash -r
}

ensure_rust_components() {
    has_rust_components && return
    say "rustfmt and clippy are needed"
    if has rustup; then
        rustup component add rustfmt clippy || true
    else
        components_from_apt || true
    fi
    has_rust_components || fail "install rustfmt and clippy for this Rust ($(rustc --version)) and run this again"
}

has_rust_components() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1
}

# From the same source package as the compiler.
components_from_apt() {
    local compiler suffix
    has dpkg-query || return 1
    compiler=$(dpkg-query --search "$(readlink -f "$(command -v rustc)")" 2>/dev/null | cut -d : -f 1)
    suffix=${compiler#rustc}
    apt_install "rustfmt$suffix" "rust$suffix-clippy" && link_rust /usr/bin "$suffix"
}
