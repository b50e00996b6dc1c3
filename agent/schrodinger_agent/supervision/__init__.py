"""System calls of a database that are answered by the agent: they fail, take long, or are said to have been done.

- ``calls`` (pure): which calls there are, and the filter that makes the kernel ask about them;
- ``rules``: what is answered, and what was counted;
- ``supervisor``: the thread that answers.
"""

from schrodinger_agent.supervision.rules import Rules
from schrodinger_agent.supervision.supervisor import Supervisor

__all__ = ["Rules", "Supervisor"]
