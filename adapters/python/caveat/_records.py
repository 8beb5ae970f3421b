"""Records and queries: what goes to the library and comes back."""
from __future__ import annotations

import builtins
import enum
from collections.abc import Callable, Sequence
from ctypes import byref, sizeof
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Union

from . import _native as native

_lib = native.shared_object
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_INT64 = (-2**63, 2**63 - 1)

# What a record holds, what a property is named by, and what a time is given as.
Value = Union[None, bool, int, float, str, bytes, "Sequence[Value]"]
Property = Union[str, int]
Moment = Union[int, datetime]
# A node and a property.
Key = tuple[int, Property]
# (low, high), closed; None leaves an end open.
ConfidenceRange = tuple[Union[float, None], Union[float, None]]
TimeRange = tuple[Union[Moment, None], Union[Moment, None]]


class Source(enum.IntEnum):
    """Where an exception comes from."""
    EXPLICIT = 0
    DETECTED = 1
    PROMOTED = 2
    CONFLICT = 3
    IMPORTED = 4


def source_of(given: Source | int | str) -> Source:
    return Source[given.upper()] if isinstance(given, str) else Source(given)


def hash_property(name: str | bytes) -> int:
    """XXH3-64 of the name: what a property is known by."""
    data = name.encode() if isinstance(name, str) else bytes(name)
    number: int = _lib.caveat_hash_property(data, len(data))
    return number


def to_ns(moment: Moment) -> int:
    """Nanoseconds since the Unix epoch of a datetime with a zone; an int stays as it is.

    ValueError for a time that no record can have: they lie from 1677-09-21 to 2262-04-11.
    """
    ns = _any_ns(moment)
    if not _INT64[0] <= ns <= _INT64[1]:
        raise ValueError("a time lies from 1677-09-21 to 2262-04-11: %r" % (moment,))
    return ns


def _any_ns(moment: Moment) -> int:
    if isinstance(moment, int):
        return moment
    if moment.tzinfo is None:
        raise ValueError("a time without a zone may mean many: %r" % moment)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _bound_ns(moment: Moment) -> int:
    """As an end of a range a time beyond all records is as good as none."""
    return max(_INT64[0], min(_INT64[1], _any_ns(moment)))


@dataclass(frozen=True)
class Record:
    """An exception and its key: at `node` the property differs from what is inherited."""
    node: int
    property: Property  # its name; its hash, where the store knows no name for it
    inherited: Any = None
    actual: Any = None
    reason: str | bytes = ""
    source: Source = Source.EXPLICIT
    created_at: int = 0  # nanoseconds since the Unix epoch
    confidence: float = 1.0

    @builtins.property
    def property_hash(self) -> int:
        """What the property is known by, whatever its name is."""
        return hash_of(self.property)

    @builtins.property
    def created(self) -> datetime | None:
        """`created_at` as a datetime in UTC, to the microsecond; None before year 1 and after 9999."""
        try:
            return _EPOCH + timedelta(microseconds=self.created_at // 1000)
        except OverflowError:
            return None


def hash_of(given: Property) -> int:
    return given if isinstance(given, int) else hash_property(given)


def fill(out: native.Record, record: Record, keep: list[Any]) -> native.Record:
    out.key.node, out.key.property = unsigned(record.node), unsigned(hash_of(record.property))
    native.set_value(out.inherited, record.inherited, keep)
    native.set_value(out.actual, record.actual, keep)
    reason = record.reason
    native.set_string(out.reason, reason.encode() if isinstance(reason, str) else bytes(reason), keep)
    out.created_at_ns = to_ns(record.created_at)
    out.confidence, out.source = record.confidence, source_of(record.source)
    return out


def unsigned(number: int) -> int:
    if not 0 <= number < 2**64:
        raise OverflowError("not of 64 bits without a sign: %d" % number)
    return number


def filled(record: Record | None, keep: list[Any]) -> Any:
    return None if record is None else byref(fill(native.Record(), record, keep))


# From a property's hash to its name, or to itself where it has none.
Naming = Callable[[int], Property]


def read(record: native.Record, name_of: Naming) -> Record:
    return Record(record.key.node, name_of(record.key.property), native.get_value(record.inherited),
                  native.get_value(record.actual), native.get_string(record.reason), Source(record.source),
                  record.created_at_ns, record.confidence)


def take(pointer: Any, name_of: Naming) -> Record:
    """The record behind a pointer that is to be freed."""
    try:
        return read(pointer.contents, name_of)
    finally:
        _lib.caveat_record_free(pointer)


# --- Queries -------------------------------------------------------------------------------------

_ORDERS = {"key": 0, "confidence": 1, "time": 2}


def _ends(given: tuple[Any, Any], lowest: Any, highest: Any) -> tuple[Any, Any]:
    """A pair, of which None leaves an end open."""
    low, high = given
    return lowest if low is None else low, highest if high is None else high


def query_of(keep: list[Any], node: int | None = None, property: Property | None = None,
             source: Source | int | str | None = None, confidence: ConfidenceRange | None = None,
             time: TimeRange | None = None, order: str = "key", descending: bool = False,
             limit: int | None = None, resume: str | None = None) -> Any:
    query = native.Query(size=sizeof(native.Query), order=_ORDERS[order], descending=descending)
    if node is not None:
        query.fields, query.node = query.fields | 1, unsigned(node)
    if property is not None:
        query.fields, query.property = query.fields | 2, unsigned(hash_of(property))
    if source is not None:
        query.fields, query.source = query.fields | 4, source_of(source)
    if confidence is not None:
        query.fields |= 8
        query.confidence_min, query.confidence_max = _ends(confidence, 0.0, 1.0)
    if time is not None:
        query.fields |= 16
        query.time_start_ns, query.time_end_ns = map(_bound_ns, _ends(time, *_INT64))
    if limit is not None:
        query.fields, query.limit = query.fields | 32, unsigned(limit)
    if resume:
        native.set_string(query.resume_token, resume.encode(), keep)
    return byref(query)
