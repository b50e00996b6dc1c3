"""The generated half of the agent's interface: messages and stubs of ``proto/agent.proto``. Made by
``proto/generate.sh``.
"""
