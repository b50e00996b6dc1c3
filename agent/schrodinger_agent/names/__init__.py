"""Names of nodes: the servers that answer for them, and the files that lead a node's programs there."""

from schrodinger_agent.names.answers import HOWS, Rules
from schrodinger_agent.names.files import write_files
from schrodinger_agent.names.server import NameServer

__all__ = ["HOWS", "NameServer", "Rules", "write_files"]
