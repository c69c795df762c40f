"""Katib's services on a port: requests in, replies of plain functions out. With `grpc_client.py` the door to grpcio."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

from kagit.errors import Conflict, KagitError, NotFound, Refused, Unavailable
from kagit.experiment import Json
from kagit.v1beta1 import api
from reconciler.adapters import grpc_messages
from reconciler.adapters.json_text import Value

Services: TypeAlias = Mapping[str, Mapping[str, Callable[[Json], Json]]]
"""A function for each method of each service, by Katib's names."""

WORKERS = 10
LARGEST = 64 * 1024 * 1024
"""Bytes of a message: Katib sends all trials with every request, some 300 bytes each."""
_PROBED = ("", "grpc.health.v1.Health", "manager.v1beta1.Suggestion", "manager.v1beta1.EarlyStopping")
"""What health is asked of; the last two are what Katib's probes say, though no service is called so."""


class GrpcServer:
    """A server that runs from its making until it is stopped. Neither TLS nor logins, as in Katib."""

    def __init__(self, address: str, services: Services) -> None:
        """Listen; Unavailable where the address cannot be had."""
        grpc_messages.check_installed()
        import grpc

        limits = [("grpc.max_receive_message_length", LARGEST), ("grpc.max_send_message_length", LARGEST)]
        self._server: Value = grpc.server(
            ThreadPoolExecutor(WORKERS, thread_name_prefix="grpc"), options=[*limits, ("grpc.so_reuseport", 0)]
        )
        known = {*_PROBED, *(f"{api.PACKAGE}.{service}" for service in services)}
        for service, methods in services.items():
            handlers = {method: _handler(partial(_answer, method, call)) for method, call in methods.items()}
            name = f"{api.PACKAGE}.{service}"
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
        health = {"Check": _handler(partial(_health, known))}
        name = grpc_messages.HEALTH + ".Health"
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, health),))
        try:
            self.port = int(self._server.add_insecure_port(address))
        except RuntimeError as error:
            raise Unavailable(f"{address} cannot be listened on: {error}; give another --address") from error
        self._server.start()

    def stop(self, *, grace: float) -> None:
        """Take no more requests, and give those that run up to `grace` seconds."""
        self._server.stop(grace).wait()


def _handler(call: Callable[[bytes, Value], bytes]) -> Value:
    import grpc

    library: Value = grpc
    return library.unary_unary_rpc_method_handler(call)


def _answer(method: str, call: Callable[[Json], Json], data: bytes, context: Value) -> bytes:
    messages = grpc_messages.katib()
    try:
        return messages.encode(f"{method}Reply", call(messages.decode(f"{method}Request", data)))
    except KagitError as error:
        context.abort(_code(error), str(error))
        raise
    except Exception as error:
        import grpc

        context.abort(grpc.StatusCode.INTERNAL, f"kagit is broken, please report this: {error!r}")
        raise


def _code(error: KagitError) -> Value:
    """Refusals are the asker's fault. Katib's controller tries every question again but the validations."""
    import grpc

    codes = (
        (NotFound, grpc.StatusCode.NOT_FOUND),
        (Refused, grpc.StatusCode.INVALID_ARGUMENT),
        (Unavailable, grpc.StatusCode.UNAVAILABLE),
        (Conflict, grpc.StatusCode.FAILED_PRECONDITION),
    )
    return next((code for kind, code in codes if isinstance(error, kind)), grpc.StatusCode.INTERNAL)


def _health(known: set[str], data: bytes, context: Value) -> bytes:
    import grpc

    messages = grpc_messages.health()
    service = messages.decode("HealthCheckRequest", data).get("service", "")
    if service not in known:
        context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {service!r:.80}")
    return messages.encode("HealthCheckResponse", {"status": "SERVING"})
