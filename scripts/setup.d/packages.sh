# shellcheck shell=bash disable=SC2154
# System packages, each asked for only where the thing it brings is missing.

ensure_packages() {
    local missing=()
    has python3 || missing+=(python3)
    [ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
    # Rust links with the C compiler, against the C library.
    has cc || missing+=(gcc)
    [ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
    # The agent calls nftables as a library, not as a program.
    /sbin/ldconfig -p | grep -q 'libnftables\.so\.1' || missing+=(libnftables1)
    # Nodes' disks are made and repaired by its tools.
    has mkfs.ext4 || [ -x /usr/sbin/mkfs.ext4 ] || missing+=(e2fsprogs)
    # What runs inside other programs is compiled for the other architecture too, and run in an emulator.
    ! $develop || [ "$(uname -m)" != x86_64 ] || has aarch64-linux-gnu-gcc || missing+=(gcc-aarch64-linux-gnu)
    ! $develop || [ "$(uname -m)" != x86_64 ] || has qemu-aarch64 || missing+=(qemu-user)
    # A suite runs it; the service that comes with it is not used.
    ! $develop || has redis-server || missing+=(redis-server)
    # A benchmark compares with it.
    ! $develop || has nft || [ -x /usr/sbin/nft ] || missing+=(nftables)
    [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}" || true
}

# apt_install PACKAGE...: false, with a message that says what to do, where it is not possible.
apt_install() {
    if ! has apt-get; then
        say "this is not Debian or Ubuntu; install what these packages of theirs bring: $*"
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        say "not root; install with: sudo apt-get install --no-install-recommends $*"
        return 1
    fi
    apt_update
    say "installing $*"
    apt_get install --yes --no-install-recommends "$@"
}

apt_updated=false

# Once in a setup: a fresh machine has no package lists, and old lists name packages that are no longer served.
apt_update() {
    $apt_updated || apt_get update
    apt_updated=true
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet --option DPkg::Lock::Timeout=300 --option Dpkg::Use-Pty=0 "$@" >&2
}
