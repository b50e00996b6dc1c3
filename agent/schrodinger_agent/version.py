"""The agent's version. A client and an agent that differ do not talk to each other, so nothing has to be compatible."""

__version__ = "0.1.0"
