"""A node's data on a disk of its own, which can lose power, fill up, fail and hang without harm to any other."""

from schrodinger_agent.disks.disk import Disk, DiskError

__all__ = ["Disk", "DiskError"]
