"""Two runs of one process whose clients and database speak gRPC. A program, because gRPC's threads are the process's.

Called with an agent's state directory; prints what the databases answered.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import grpc
import grpc.aio

from schrodinger.cluster import ClientNamespace, LocalProvider

PORT = 7001
DEADLINE_S = 10.0

DATABASE = """
import grpc, sys
from concurrent.futures import ThreadPoolExecutor

class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)

server = grpc.server(ThreadPoolExecutor(1))
server.add_generic_rpc_handlers((Echo(),))
server.add_insecure_port(sys.argv[1])
server.start()
server.wait_for_termination()
"""


async def run(number: int, state: Path, clients: ClientNamespace) -> None:
    """One cluster of one node, one question to its database."""
    provider = LocalProvider(f"run-{number}", state=state, isolated=True, clients=clients)
    try:
        (node,) = await provider.up(["n1"], state / "logs")
        address = f"{node.address}:{PORT}"
        await provider.spawn(node, [sys.executable, "-c", DATABASE, address], {"PATH": "/usr/bin:/bin"})
        async with grpc.aio.insecure_channel(address) as channel:
            ask: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/echo/echo")
            answer = await ask(f"run {number}".encode(), wait_for_ready=True, timeout=DEADLINE_S)
            print(answer.decode())
    finally:
        for problem in await provider.down():
            print(problem)


async def main() -> None:
    """Two runs, one after the other, with one namespace for the clients of both."""
    clients = ClientNamespace()
    for number in (1, 2):
        await run(number, Path(sys.argv[1]), clients)
    clients.close()


if __name__ == "__main__":
    asyncio.run(main())
