"""JSON Schema (draft 2020-12) of a type: the one description of a payload is the code's.

Every field of a `TypedDict` or dataclass is required, as unknown values are null, and there are no
others. `detector.fields` says what a field may hold beyond its type.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from detector.fields import FormOf, JsonName, UtcText

Schema = dict[str, Any]

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
    datetime: {"type": "string", **UtcText().keywords()},
}


def schema_of(kind: Any) -> Schema:
    """Return the schema of a type.

    Raises
    ------
    TypeError
        It has no form in JSON.
    """
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if get_origin(kind) is not None:
        return _generic(get_origin(kind), get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [each.value for each in kind]}
    if is_typeddict(kind) or is_dataclass(kind):
        return object_of(properties_of(kind))
    raise TypeError(f"{kind} has no form in JSON")


def properties_of(kind: Any) -> dict[str, Schema]:
    """Return the schema of each field of a `TypedDict` or dataclass, by its name in JSON."""
    hints = get_type_hints(kind, include_extras=True)
    return {_json_name(name, hint): schema_of(hint) for name, hint in hints.items()}


def object_of(properties: Mapping[str, Schema], optional: Collection[str] = ()) -> Schema:
    """Return the schema of an object with these fields and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _generic(origin: Any, arguments: tuple[Any, ...]) -> Schema:
    if origin is Annotated:
        return _annotated(*arguments)
    if origin in (Union, UnionType):
        return {"anyOf": [schema_of(each) for each in arguments]}
    if origin is Literal:
        return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
    if origin in (list, tuple):
        return {"type": "array", "items": schema_of(arguments[0])}
    return {"type": "object"}


def _annotated(base: Any, *more: Any) -> Schema:
    schema = schema_of(base)
    for each in more:
        if isinstance(each, FormOf):
            schema = object_of({"schema": {"const": each.schema}} | properties_of(each.kind))
        elif not isinstance(each, JsonName):
            schema |= each.keywords()
    return schema


def _json_name(name: str, hint: Any) -> str:
    more = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((each.name for each in more if isinstance(each, JsonName)), name)
