"""Services elsewhere that speak Katib's gRPC: a suggestion service, the database of observations."""

from collections.abc import Callable, Sequence
from typing import cast

from kagit.errors import NotFound, Refused, Unavailable
from kagit.experiment import Json
from kagit.v1beta1 import api, api_read
from kagit.wishes import endpoint
from reconciler.adapters import grpc_messages
from reconciler.adapters.json_text import Value

LARGEST = 64 * 1024 * 1024
SECONDS = 20.0
"""How long an answer may take; while it is waited for nothing else is decided."""


class GrpcService:
    """One service at an address; connects when it is first called. No TLS, as in Katib, and no proxy."""

    def __init__(self, address: str, service: str, *, seconds: float = SECONDS) -> None:
        """Take the address; Refused where it is no host and port, or grpcio is not installed."""
        if not endpoint(address):
            raise Refused(f"{address!r:.80} is no address of a gRPC service; give one like tuner.example.org:6789")
        grpc_messages.check_installed()
        self.address, self._service, self._seconds = address, service, seconds
        self._channel: Value = None

    def call(self, method: str, request: Json) -> Json:
        """The reply. Refused where the service refuses, NotFound where it says that, else Unavailable.

        A validation that the service does not know is one that passes, as in Katib.
        """
        import grpc

        messages = grpc_messages.katib()
        remote: Value = self._open().unary_unary(f"/{api.PACKAGE}.{self._service}/{method}")
        try:
            data = remote(messages.encode(f"{method}Request", request), timeout=self._seconds)
        except grpc.RpcError as error:
            return _failed(method, f"{self._service} service at {self.address}", cast("Value", error))
        try:
            return messages.decode(f"{method}Reply", data)
        except Refused as error:
            raise Unavailable(f"{self._service} service at {self.address} answered nonsense: {error}") from error

    def close(self) -> None:
        """Let go of the connection."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _open(self) -> Value:
        import grpc

        if self._channel is None:
            sizes = [("grpc.max_receive_message_length", LARGEST), ("grpc.max_send_message_length", LARGEST)]
            options = [*sizes, ("grpc.enable_http_proxy", 0), ("grpc.enable_retries", 0)]
            self._channel = grpc.insecure_channel(f"dns:///{self.address}", options=options)
        return self._channel


def _failed(method: str, who: str, error: Value) -> Json:
    """Errors as ours: what another answer would need is refused, anything else may pass."""
    import grpc

    codes, code, told = grpc.StatusCode, error.code(), f"{error.details() or 'no reason given'}"
    validates = method.startswith("Validate")
    if code is codes.UNIMPLEMENTED and validates:
        return {}
    if code is codes.NOT_FOUND:
        raise NotFound(f"{who}: {told}")
    if code in {codes.INVALID_ARGUMENT, codes.UNIMPLEMENTED} or (validates and code is codes.UNKNOWN):
        raise Refused(f"{who} refuses: {told}")
    raise Unavailable(f"{who} gives no answer ({code.name}: {told})")


class Observations:
    """What trials have reported to Katib's database manager; the connection to the last one asked is kept."""

    def __init__(self) -> None:
        """Nothing is connected yet."""
        self._service: GrpcService | None = None

    def curve(self, address: str, trial: str, metric: str) -> Sequence[float | None]:
        """The values of a trial's metric in the order of time; None where one is no finite number."""
        service = self._service
        if service is None or service.address != address:
            service = self._service = GrpcService(address, "DBManager")
        reply = service.call("GetObservationLog", {"trial_name": trial, "metric_name": metric})
        return api_read.curve(reply.get("observation_log"))


def suggestion_service(address: str) -> Callable[[str, Json], Json]:
    """The methods of the suggestion service at an address."""
    return GrpcService(address, "Suggestion").call
