"""Plain data: values as JSON can hold them, and back to the same bits.

Every `save()` returns such data, every `load()` takes it. Arrays are base64 of little-endian
bytes; a float that JSON does not know (infinite, NaN) is its name as text.
"""

from __future__ import annotations

import types
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from math import isfinite
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

_IS = "is"
"""Key of a record's class name, for fields that may hold one of several."""


def pack(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array as plain data."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    data = b64encode(little.tobytes()).decode("ascii")
    return {"dtype": little.dtype.str, "shape": list(array.shape), "data": data}


def unpack(saved: Any, dtype: Any) -> NDArray[Any]:
    """Return the array that `pack` was given, writable.

    Raises
    ------
    ValueError
        It is of another type, or its bytes do not fill its shape.
    """
    wanted = np.dtype(dtype)
    little = wanted.newbyteorder("<")
    if saved["dtype"] != little.str:
        raise ValueError(f"an array of {saved['dtype']} was saved, {little.str} is expected")
    values = np.frombuffer(b64decode(saved["data"], validate=True), little)
    return values.reshape(saved["shape"]).astype(wanted)


def to_plain(value: Any) -> Any:
    """Return a value as plain data: numbers, text, enums, moments, arrays, records of them.

    Raises
    ------
    TypeError
        There is no plain form of it.
    """
    plain: Any = value
    match value:
        case Enum():
            plain = value.value
        case None | bool() | int() | str():
            pass
        case float():
            plain = float(value) if isfinite(value) else str(float(value))
        case np.generic():
            plain = to_plain(value.item())
        case np.ndarray():
            plain = pack(value)
        case datetime():
            plain = value.isoformat()
        case Mapping():
            plain = {key: to_plain(each) for key, each in value.items()}
        case Iterable():
            plain = [to_plain(each) for each in value]
        case _ if is_dataclass(value):
            record = {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
            plain = {_IS: type(value).__name__, **record}
        case _:
            raise TypeError(f"{type(value).__name__} has no plain form")
    return plain


def from_plain(form: Any, saved: Any) -> Any:
    """Return the value of which `to_plain` made plain data, of the type that `form` names.

    Raises
    ------
    ValueError, TypeError, KeyError
        The data is not of this type.
    """
    origin, inner = get_origin(form), get_args(form)
    if origin in (Union, types.UnionType):
        return _of_union(inner, saved)
    if origin is not None:
        return _several(origin, inner, saved)
    return _record(form, saved) if is_dataclass(form) else _simple(form, saved)


def _several(origin: Any, inner: tuple[Any, ...], saved: Any) -> Any:
    if origin is np.ndarray:
        return unpack(saved, get_args(inner[1])[0])
    if issubclass(origin, Mapping):
        if not isinstance(saved, Mapping):
            raise TypeError(f"{saved!r} was saved where a mapping is expected")
        return {key: from_plain(inner[1], each) for key, each in saved.items()}
    of = inner[:1] * len(saved) if origin is list or inner[1:] == (...,) else inner
    return origin(from_plain(one, each) for one, each in zip(of, saved, strict=True))


def _simple(form: Any, saved: Any) -> Any:
    if form is float:
        return float(saved)
    if form is Any or form is type(None) or form in (bool, int, str):
        right = form is Any or isinstance(saved, form)
        if not right or (form is int and isinstance(saved, bool)):
            raise TypeError(f"{saved!r} was saved where {form.__name__} is expected")
        return saved
    return datetime.fromisoformat(saved) if form is datetime else form(saved)  # an enum


def _of_union(forms: tuple[Any, ...], saved: Any) -> Any:
    if saved is None and type(None) in forms:
        return None
    rest = [form for form in forms if form is not type(None)]
    if len(rest) > 1 and isinstance(saved, dict):
        rest = [form for form in rest if getattr(form, "__name__", "") == saved.get(_IS)]
    if len(rest) != 1:
        raise TypeError(f"{saved!r} was saved where one of {forms} is expected")
    return from_plain(rest[0], saved)


def _record(form: Any, saved: Any) -> Any:
    hints = _hints(form)
    if saved[_IS] != form.__name__ or len(saved) != len(hints) + 1:
        raise ValueError(f"a {saved[_IS]!r} was saved where {form.__name__} is expected")
    return form(**{name: from_plain(of, saved[name]) for name, of in hints.items()})


@cache
def _hints(form: Any) -> dict[str, Any]:
    known = get_type_hints(form)
    return {field.name: known[field.name] for field in fields(form)}
