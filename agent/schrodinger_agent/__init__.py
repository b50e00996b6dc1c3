"""The node agent: puts faults in force on the targets of one host, proves them, and always undoes them.

One process serves every cluster of the host (more exactly: of one state directory, see
:mod:`schrodinger_agent.state`). Controllers talk to it through :mod:`schrodinger_agent.client`. It is crash-only:
what it makes is held by the kernel on behalf of the agent's process wherever the kernel offers that (anonymous
namespaces, parent-death signals), so the clean-up after a SIGKILL is the same as after an orderly end; the little
that outlives a process (cgroup directories, data directories) is journalled before it is made and swept at the next
start.
"""
