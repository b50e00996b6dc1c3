"""Fault kinds, one module each, behind one small protocol (:mod:`~schrodinger_agent.injectors.injector`)."""

from schrodinger_agent.injectors.injector import Injector, Reading, Steps
from schrodinger_agent.injectors.registry import KINDS, LINK_KINDS, injectors_for, needs_disks

__all__ = ["KINDS", "LINK_KINDS", "Injector", "Reading", "Steps", "injectors_for", "needs_disks"]
