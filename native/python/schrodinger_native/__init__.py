"""The native core: recording histories, reading them back, checking them. Knows nothing of the framework."""

from schrodinger_native._native import __version__

__all__ = ["__version__"]
