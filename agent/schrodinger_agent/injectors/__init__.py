"""Fault kinds, one module each, behind one small protocol (:mod:`~schrodinger_agent.injectors.injector`)."""

from schrodinger_agent.injectors.injector import Injector, Reading, Steps
from schrodinger_agent.injectors.registry import KINDS, LINK_KINDS, PREPARED, injectors_for, needs_of

__all__ = ["KINDS", "LINK_KINDS", "PREPARED", "Injector", "Reading", "Steps", "injectors_for", "needs_of"]
