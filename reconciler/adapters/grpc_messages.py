"""Katib's gRPC messages as bytes and as plain dicts. The one door to protobuf: a table is enough, no code is generated.

A dict has what a message has: a field that is not set (or has its default) is missing, an enum's value is its name.
"""

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import TypeAlias, cast

from kagit.errors import Broken, Refused
from kagit.experiment import Json
from kagit.v1beta1 import api
from reconciler.adapters.json_text import Value

Table: TypeAlias = Mapping[str, Mapping[str, tuple[int, str]]]
Enums: TypeAlias = Mapping[str, tuple[str, ...]]
"""Both in the form of `kagit.v1beta1.api`."""

HEALTH = "grpc.health.v1"
_HEALTH_MESSAGES: Table = {
    "HealthCheckRequest": {"service": (1, "string")},
    "HealthCheckResponse": {"status": (1, "HealthCheckResponse.ServingStatus")},
}
_HEALTH_ENUMS: Enums = {"HealthCheckResponse.ServingStatus": ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")}


def check_installed() -> None:
    """Refused where grpcio or protobuf, which few need, are not installed."""
    for module, package in (("grpc", "grpcio"), ("google", "protobuf"), ("google.protobuf", "protobuf")):
        if find_spec(module) is None:
            raise Refused(f"{package} is not installed, which Katib's gRPC needs; install kagit[grpc]")


class Messages:
    """The messages of one package; descriptors are apart from all others of this process."""

    def __init__(self, package: str, *, messages: Table, enums: Enums) -> None:
        """Make the descriptors."""
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

        self._package, self._messages, self._enums = package, messages, enums
        pool = descriptor_pool.DescriptorPool()
        file: Value = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
        self._describe(file)
        pool.Add(file)
        found = {name: pool.FindMessageTypeByName(f"{package}.{name}") for name in self._messages}
        self._classes: dict[str, Value] = {name: message_factory.GetMessageClass(one) for name, one in found.items()}

    def decode(self, name: str, data: bytes) -> Json:
        """The message as a dict; Refused for bytes that are none."""
        from google.protobuf.message import DecodeError

        try:
            return self._plain(self._classes[name].FromString(data), name)
        except DecodeError as error:
            raise Refused(f"these bytes are no {name}: {error}") from error

    def encode(self, name: str, value: Json) -> bytes:
        """The message as bytes; Broken for a dict that does not fit it."""
        try:
            return cast("bytes", self._classes[name](**value).SerializeToString())
        except (TypeError, ValueError) as error:
            raise Broken(f"no {name} can be made of {value!r:.200}: {error}") from error

    def _plain(self, message: Value, name: str) -> Json:
        fields = self._messages[name]
        return {one.name: self._value(value, fields[one.name][1]) for one, value in message.ListFields()}

    def _value(self, value: Value, kind: str) -> Value:
        if kind.startswith("*"):
            return [self._value(one, kind[1:]) for one in value]
        if kind in self._messages:
            return self._plain(value, kind)
        if kind in self._enums:
            known, number = self._enums[kind], cast("int", value)
            return known[number] if 0 <= number < len(known) else f"{number}"  # of a later version
        if kind == "map":
            return dict(cast("Mapping[str, str]", value))
        return value

    def _describe(self, file: Value) -> None:
        """Fill a FileDescriptorProto."""
        made: dict[str, Value] = {}
        for name in self._messages:
            outer, _, last = name.rpartition(".")
            made[name] = made[outer].nested_type.add(name=last) if outer else file.message_type.add(name=last)
        for name, values in self._enums.items():
            outer, _, last = name.rpartition(".")
            enum = made[outer].enum_type.add(name=last) if outer else file.enum_type.add(name=last)
            for number, value in enumerate(values):
                enum.value.add(name=value, number=number)
        for name, fields in self._messages.items():
            for key, (number, kind) in fields.items():
                self._field(made[name], name, made[name].field.add(name=key, number=number), kind)

    def _field(self, message: Value, owner: str, field: Value, kind: str) -> None:
        bare = kind.removeprefix("*")
        field.label = field.LABEL_OPTIONAL if kind == bare != "map" else field.LABEL_REPEATED
        if bare == "map":
            entry = message.nested_type.add(name=f"{field.name.capitalize()}Entry")
            entry.options.map_entry = True
            for number, name in enumerate(("key", "value"), 1):
                entry.field.add(name=name, number=number, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
            bare = f"{owner}.{entry.name}"
        elif bare in {"string", "int32", "double"}:
            field.type = getattr(field, f"TYPE_{bare.upper()}")
            return
        field.type = field.TYPE_ENUM if bare in self._enums else field.TYPE_MESSAGE
        field.type_name = f".{self._package}.{bare}"


@cache
def katib() -> Messages:
    """Katib's messages, made once."""
    return Messages(api.PACKAGE, messages=api.MESSAGES, enums=api.ENUMS)


@cache
def health() -> Messages:
    """The messages of gRPC's health service, made once."""
    return Messages(HEALTH, messages=_HEALTH_MESSAGES, enums=_HEALTH_ENUMS)
