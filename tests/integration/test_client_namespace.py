"""A thread that goes in and out of the clients' namespace, and what follows it there."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schrodinger.cluster import ClientNamespace

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clients() -> Iterator[ClientNamespace]:
    namespace = ClientNamespace()
    try:
        namespace.enter()
    except PermissionError as error:
        pytest.skip(f"no network namespace can be made here: {error}")
    namespace.leave()
    try:
        yield namespace
    finally:
        namespace.close()


def here() -> str:
    return str(Path("/proc/thread-self/ns/net").readlink())


def test_it_holds_a_loopback_that_is_up_and_nothing_else(clients: ClientNamespace) -> None:
    clients.enter()

    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_leaving_returns_to_where_the_thread_came_from_and_entering_again_to_the_same_namespace(
    clients: ClientNamespace,
) -> None:
    home = here()
    clients.enter()
    inside = here()
    clients.leave()
    assert here() == home != inside

    clients.enter()
    assert here() == inside
    clients.enter()
    assert here() == inside

    clients.close()
    clients.close()
    assert here() == home


def test_outside_is_the_hosts_namespace_for_as_long_as_the_block(clients: ClientNamespace) -> None:
    home = here()
    clients.enter()
    inside = here()

    with clients.outside():
        assert here() == home

    assert here() == inside


def test_threads_started_inside_are_inside_and_cannot_move_it(clients: ClientNamespace) -> None:
    clients.enter()
    seen: list[str] = []

    def look() -> None:
        seen.append(here())
        with pytest.raises(RuntimeError, match="cannot move it"):
            clients.leave()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert seen == [here()]


GRPC_CLIENT = """
import grpc, sys
from concurrent.futures import ThreadPoolExecutor
from schrodinger.cluster import ClientNamespace

class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)

def serve(address):
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port(address)
    server.start()
    return server, port

def ask(address):
    with grpc.insecure_channel(address) as channel:
        return channel.unary_unary("/echo/echo")(b"hello", timeout=10)

clients = ClientNamespace()
clients.enter()
with clients.outside():
    pass
agent, _ = serve("unix:" + sys.argv[1])
assert ask("unix:" + sys.argv[1]) == b"hello"
clients.leave()
clients.enter()
database, port = serve("127.0.0.1:0")
assert ask(f"127.0.0.1:{port}") == b"hello"
print("answered")
"""


def test_grpc_that_was_first_used_inside_connects_from_inside(clients: ClientNamespace, tmp_path: object) -> None:
    run = subprocess.run(
        [sys.executable, "-c", GRPC_CLIENT, f"{tmp_path}/agent.sock"], capture_output=True, text=True, check=False
    )

    assert run.stdout == "answered\n", run.stderr
