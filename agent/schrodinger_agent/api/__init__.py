"""The interface on the wire: messages and stubs, made by ``proto/generate.sh``, and what goes with every call."""

TOKEN_KEY = "schrodinger-token"  # noqa: S105 - the name of the entry, not a token
"""The metadata entry that carries a session's token in every call."""
