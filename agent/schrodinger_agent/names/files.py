"""The files by which a node's programs find its name server: glibc, Go and musl all read them.

They are mounted over those of the host in the node's own mount namespace, each by itself, and only where the host has
one. See resolv.conf(5), hosts(5), nsswitch.conf(5).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

RESOLV: Final = Path("/etc/resolv.conf")
HOSTS: Final = Path("/etc/hosts")
SWITCH: Final = Path("/etc/nsswitch.conf")

_PATIENCE: Final = "options timeout:1 attempts:2"
"""A lookup that nobody answers fails after two seconds; the default is ten."""


def write_files(directory: Path, server: str, names: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Write them; returns which is to be mounted over which. Raises OSError."""
    directory.mkdir()
    contents = {RESOLV: f"nameserver {server}\n{_PATIENCE}\n"}
    if HOSTS.exists():
        contents[HOSTS] = hosts_without(HOSTS.read_text(encoding="utf-8", errors="replace"), names)
    if SWITCH.exists():
        contents[SWITCH] = switch_to_dns(SWITCH.read_text(encoding="utf-8", errors="replace"))
    for path, content in contents.items():
        (directory / path.name).write_text(content, encoding="utf-8")
    return tuple((str(directory / path.name), str(path)) for path in contents)


def hosts_without(text: str, names: Collection[str]) -> str:
    """The host's list, which knows the host, without lines that name a node: they would come first."""
    known = {name.lower() for name in names}
    return "".join(f"{line}\n" for line in text.splitlines() if not known & set(line.lower().split()))


def switch_to_dns(text: str) -> str:
    """The host's sources of everything, but of hosts only the list and the server."""
    others = [line for line in text.splitlines() if not line.lstrip().startswith("hosts:")]
    return "\n".join([*others, "hosts: files dns", ""])
