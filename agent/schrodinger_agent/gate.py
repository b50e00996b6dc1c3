"""What every call passes: who has no session is turned away, and a refusal becomes a status with its message."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast, final

import grpc
import grpc.aio

from schrodinger_agent.api import TOKEN_KEY
from schrodinger_agent.errors import Failed, InvalidRequest, NotFound, NotNow, NotYours, RequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import TypeAlias

    from schrodinger_agent.host import Host, Session

    _Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
    _Method: TypeAlias = Callable[..., Awaitable[Any]]
    _Stream: TypeAlias = Callable[..., AsyncIterator[Any]]

_log = logging.getLogger(__name__)

_CODES: Final = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    NotNow: grpc.StatusCode.FAILED_PRECONDITION,
    NotYours: grpc.StatusCode.PERMISSION_DENIED,
    Failed: grpc.StatusCode.INTERNAL,
}


@final
class Gate(grpc.aio.ServerInterceptor):
    """The interceptor of all calls."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        """Find the method, and put the checks around it."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        coders = handler.request_deserializer, handler.response_serializer
        # The stubs only know the methods of gRPC's threaded server: those of asyncio are coroutines and asynchronous
        # iterators.
        if handler.unary_stream is not None:
            stream = cast("_Stream", handler.unary_stream)
            return grpc.unary_stream_rpc_method_handler(cast("Any", self._guarded_stream(stream)), *coders)
        return grpc.unary_unary_rpc_method_handler(
            cast("Any", self._guarded(cast("_Method", handler.unary_unary))), *coders
        )

    def _guarded(self, method: _Method) -> _Method:
        async def guarded(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            await self._require_session(context)
            try:
                return await method(request, context)
            except Exception as error:  # whatever it is, the caller is told and the agent goes on
                await _refuse(context, error)

        return guarded

    def _guarded_stream(self, method: _Stream) -> _Stream:
        async def guarded(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            await self._require_session(context)
            try:
                async for message in method(request, context):
                    yield message
            except Exception as error:  # as above
                await _refuse(context, error)

        return guarded

    async def _require_session(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        if session_of(self._host, context) is None:
            why = "the call carries no token of a living session: come through the agent's door first"
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, why)


def session_of(host: Host, context: grpc.aio.ServicerContext[Any, Any]) -> Session | None:
    """The session that a call belongs to, by its token."""
    metadata = dict(context.invocation_metadata() or ())
    return host.session(str(metadata.get(TOKEN_KEY, "")))


async def _refuse(context: grpc.aio.ServicerContext[Any, Any], error: Exception) -> NoReturn:
    if isinstance(error, RequestError):
        _log.debug("refused: %s", error)
        await context.abort(_CODES[type(error)], str(error))
    _log.error("a call failed", exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, f"the agent failed, its log says where: {error!r}")
