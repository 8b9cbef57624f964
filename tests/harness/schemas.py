"""Protobuf messages made at run time from a few lines that name their fields, for clients in tests."""

import re

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

_KINDS = {"string": 9, "bytes": 12, "bool": 8, "uint32": 13, "uint64": 4, "int32": 5, "int64": 3}
_MESSAGE, _ONE, _MANY = 11, 1, 3


def messages(package: str, schema: str) -> dict[str, type[Message]]:
    """A line is `Name: field number type, …`; a type is a kind or a message, with `repeated` or `map` (by
    text) before it."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for line in filter(None, map(str.strip, schema.splitlines())):
        name, _, told = line.partition(":")
        made = file.message_type.add(name=name)
        for field, number, kind in re.findall(r"(\w+) (\d+) ([\w ]+)", told):
            _add(made, field, int(number), kind.strip(), f".{package}.")
    pool = descriptor_pool.DescriptorPool()
    found = pool.Add(file) or pool.FindFileByName(file.name)
    return {name: message_factory.GetMessageClass(made) for name, made in found.message_types_by_name.items()}


def _add(made: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str, package: str) -> None:
    how, _, of = kind.rpartition(" ")
    field = made.field.add(name=name, number=number, label=_MANY if how else _ONE)
    if how == "map":
        entry = made.nested_type.add(name="".join(map(str.title, name.split("_"))) + "Entry")
        entry.options.map_entry = True
        _add(entry, "key", 1, "string", package)
        _add(entry, "value", 2, of, package)
        field.type, field.type_name = _MESSAGE, f"{package}{made.name}.{entry.name}"
    elif of in _KINDS:
        field.type = _KINDS[of]
    else:
        field.type, field.type_name = _MESSAGE, package + of
