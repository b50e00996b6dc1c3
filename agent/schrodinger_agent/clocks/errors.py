"""What can go wrong with the clocks of a process."""

from schrodinger_agent.errors import Failed


class ClockError(Failed):
    """A process's clocks cannot be changed, or are not what they should be. The message says which and why."""
