"""Records and queries: what goes to the library and comes back."""
from __future__ import annotations

import builtins
import enum
import operator
from collections.abc import Callable, Mapping, Sequence
from ctypes import byref, c_float, sizeof
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
NodeRange = tuple[Union[int, None], Union[int, None]]
ConfidenceRange = tuple[Union[float, None], Union[float, None]]
TimeRange = tuple[Union[Moment, None], Union[Moment, None]]


class Source(enum.IntEnum):
    """Where an exception comes from."""
    EXPLICIT = 0
    DETECTED = 1
    PROMOTED = 2
    CONFLICT = 3
    IMPORTED = 4


def one_of(what: str, given: Any, allowed: Mapping[Any, int]) -> int:
    """The number that the library has for a word."""
    try:
        return allowed[given]
    except (KeyError, TypeError):
        words = ", ".join(repr(word) for word in allowed)
        raise ValueError("%s is one of %s: %r" % (what, words, given)) from None


def flag(what: str, given: bool) -> bool:
    if not isinstance(given, int) or given not in (0, 1):
        raise TypeError("%s is True or False: %r" % (what, given))
    return bool(given)


def source_of(given: Source | int | str) -> Source:
    try:
        if isinstance(given, (bool, float)):
            raise ValueError
        return Source[given.upper()] if isinstance(given, str) else Source(given)
    except (KeyError, ValueError):
        names = ", ".join(source.name for source in Source)
        raise ValueError("source is one of %s: %r" % (names, given)) from None


def hash_property(name: str | bytes) -> int:
    """XXH3-64 of the name: what a property is known by."""
    data = bytes_of("the name of a property", name)
    number: int = _lib.caveat_hash_property(data, len(data))
    return number


def to_ns(moment: Moment) -> int:
    """Nanoseconds since the Unix epoch of a datetime with a zone; an int stays as it is.

    ValueError for a time that no record can have: they lie from 1677-09-21 to 2262-04-11.
    """
    return _record_ns("a time", moment)


def _record_ns(what: str, moment: Moment) -> int:
    ns = _any_ns(what, moment)
    if not _INT64[0] <= ns <= _INT64[1]:
        raise ValueError("%s lies from 1677-09-21 to 2262-04-11: %r" % (what, moment))
    return ns


def created_ns(moment: Moment) -> int:
    return _record_ns("created_at", moment)


def _any_ns(what: str, moment: Moment) -> int:
    if isinstance(moment, int) and not isinstance(moment, bool):
        return moment
    if not isinstance(moment, datetime):
        raise TypeError("%s is a datetime with a zone, or an int, nanoseconds since the Unix epoch; text is "
                        "read by datetime.fromisoformat: %r" % (what, moment))
    if moment.tzinfo is None:
        raise ValueError("%s has no zone, and may mean many times: %r" % (what, moment))
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _bound_ns(moment: Moment) -> int:
    """As an end of a range a time beyond all records is as good as none."""
    return max(_INT64[0], min(_INT64[1], _any_ns("time", moment)))


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
    if isinstance(given, str):
        return hash_property(given)
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise TypeError("property is a name, which is str, or its hash, which is int: %r" % (given,))
    return unsigned(given, "property")


def key_of(given: Key) -> tuple[int, int]:
    """A key as the library has it."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError("a key is a pair (node, property): %r" % (given,))
    return unsigned(given[0], "node"), hash_of(given[1])


def bytes_of(what: str, given: str | bytes) -> bytes:
    if isinstance(given, str):
        return given.encode()
    if not isinstance(given, (bytes, bytearray, memoryview)):
        raise TypeError("%s is str or bytes: %r" % (what, given))
    return bytes(given)


def _number(what: str, given: Any) -> float:
    if isinstance(given, (bool, str, bytes)) or not hasattr(given, "__float__") and not hasattr(given, "__index__"):
        raise TypeError("%s is a number from 0 to 1: %r" % (what, given))
    return float(given)


def fill(out: native.Record, record: Record, keep: list[Any]) -> native.Record:
    out.key.node, out.key.property = unsigned(record.node, "node"), hash_of(record.property)
    native.set_value(out.inherited, record.inherited, keep)
    native.set_value(out.actual, record.actual, keep)
    native.set_string(out.reason, bytes_of("reason", record.reason), keep)
    out.created_at_ns = created_ns(record.created_at)
    out.confidence, out.source = _number("confidence", record.confidence), source_of(record.source)
    return out


def integer(number: int, what: str) -> int:
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise TypeError("%s is an int: %r" % (what, number))
    return operator.index(number)


def unsigned(number: int, what: str, bits: int = 64) -> int:
    number = integer(number, what)
    if not 0 <= number < 2**bits:
        raise OverflowError("%s is of %d bits without a sign: %d" % (what, bits, number))
    return number


def checked(record: Any, what: str) -> Record:
    if not isinstance(record, Record):
        raise TypeError("%s is a caveat.Record: %r" % (what, record))
    return record


def filled(record: Record | None, keep: list[Any]) -> Any:
    return None if record is None else byref(fill(native.Record(), record, keep))


# From a property's hash to its name, or to itself where it has none.
Naming = Callable[[int], Property]


def _shortest(value: float) -> float:
    """The plainest number that is stored as this one, a float of 32 bits: 0.6, not 0.6000000238418579."""
    for digits in (6, 7, 8):
        plain = float("%.*g" % (digits, value))
        if c_float(plain).value == value:
            return plain
    return value


def read(record: native.Record, name_of: Naming) -> Record:
    return Record(record.key.node, name_of(record.key.property), native.get_value(record.inherited),
                  native.get_value(record.actual), native.get_string(record.reason), Source(record.source),
                  record.created_at_ns, _shortest(record.confidence))


def take(pointer: Any, name_of: Naming) -> Record:
    """The record behind a pointer that is to be freed."""
    try:
        return read(pointer.contents, name_of)
    finally:
        _lib.caveat_record_free(pointer)


# --- Queries -------------------------------------------------------------------------------------

_ORDERS = {"key": 0, "confidence": 1, "time": 2}


def _ends(what: str, given: tuple[Any, Any], lowest: Any, highest: Any) -> tuple[Any, Any]:
    """A pair, of which None leaves an end open."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError("%s is a pair (low, high), None where an end is open: %r" % (what, given))
    low, high = given
    return lowest if low is None else low, highest if high is None else high


def query_of(keep: list[Any], node: int | None = None, property: Property | None = None,
             source: Source | int | str | None = None, confidence: ConfidenceRange | None = None,
             time: TimeRange | None = None, order: str = "key", descending: bool = False,
             limit: int | None = None, resume: str | None = None, nodes: NodeRange | None = None) -> Any:
    query = native.Query(size=sizeof(native.Query), order=one_of("order", order, _ORDERS),
                         descending=flag("descending", descending))
    if node is not None:
        query.fields, query.node = query.fields | 1, unsigned(node, "node")
    if property is not None:
        query.fields, query.property = query.fields | 2, hash_of(property)
    if source is not None:
        query.fields, query.source = query.fields | 4, source_of(source)
    if confidence is not None:
        query.fields |= 8
        low, high = _ends("confidence", confidence, 0.0, 1.0)
        query.confidence_min, query.confidence_max = _number("confidence", low), _number("confidence", high)
    if time is not None:
        query.fields |= 16
        query.time_start_ns, query.time_end_ns = map(_bound_ns, _ends("time", time, *_INT64))
    if nodes is not None:
        query.fields |= 64
        first, last = _ends("nodes", nodes, 0, 2**64 - 1)
        query.node_first, query.node_last = unsigned(first, "nodes"), unsigned(last, "nodes")
    if limit is not None:
        query.fields, query.limit = query.fields | 32, unsigned(limit, "limit")
    if resume is not None:
        native.set_string(query.resume_token, bytes_of("resume", resume), keep)
    return byref(query)
