"""Errors, records and queries: what goes to the library and comes back."""
import enum
from ctypes import byref, c_void_p, sizeof
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from . import _native as native

_lib = native.library
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_INT64 = (-2**63, 2**63 - 1)


# --- Errors --------------------------------------------------------------------------------------

class Error(Exception):
    """What a call of caveat says: `code` is its number, str() a sentence."""
    code = 0


def _kinds():
    bases = {"InvalidArgument": (ValueError,), "LimitExceeded": (ValueError,), "NotFound": (LookupError,),
             "OutOfMemory": (MemoryError,)}
    kinds = {}
    for code in list(range(1, 64)) + [255]:
        name = _lib.caveat_code_name(code).decode()
        if name == "unknown":
            continue
        title = "".join(word.capitalize() for word in name.split("_"))
        kinds[code] = type(title, (Error,) + bases.get(title, ()), {"code": code, "__module__": "caveat"})
    return kinds


KINDS = _kinds()
globals().update({kind.__name__: kind for kind in KINDS.values()})


def call(name, *arguments):
    error = c_void_p()
    code = getattr(_lib, "caveat_" + name)(*arguments, byref(error))
    if code == 0:
        return
    message = _lib.caveat_error_message(error).decode(errors="replace")
    _lib.caveat_error_free(error)
    raise KINDS.get(code, Error)(message)


# --- Records -------------------------------------------------------------------------------------

class Source(enum.IntEnum):
    """Where an exception comes from."""
    EXPLICIT, DETECTED, PROMOTED, CONFLICT, IMPORTED = range(5)


def source_of(given):
    return Source[given.upper()] if isinstance(given, str) else Source(given)


def hash_property(name):
    """XXH3-64 of the name: what a property is known by."""
    data = name.encode() if isinstance(name, str) else bytes(name)
    return _lib.caveat_hash_property(data, len(data))


def to_ns(moment):
    """Nanoseconds since the Unix epoch of a datetime with a zone; an int stays as it is.

    ValueError for a time that no record can have: they lie from 1677-09-21 to 2262-04-11.
    """
    ns = _any_ns(moment)
    if not _INT64[0] <= ns <= _INT64[1]:
        raise ValueError("a time lies from 1677-09-21 to 2262-04-11: %r" % (moment,))
    return ns


def _any_ns(moment):
    if isinstance(moment, int):
        return moment
    if moment.tzinfo is None:
        raise ValueError("a time without a zone may mean many: %r" % moment)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _bound_ns(moment):
    """As an end of a range a time beyond all records is as good as none."""
    return max(_INT64[0], min(_INT64[1], _any_ns(moment)))


@dataclass(frozen=True)
class Record:
    """An exception and its key: at `node` the property differs from what is inherited."""
    node: int
    property: int  # hash_property of its name
    inherited: Any = None
    actual: Any = None
    reason: str = ""
    source: Source = Source.EXPLICIT
    created_at: int = 0  # nanoseconds since the Unix epoch
    confidence: float = 1.0

    @property
    def created(self):
        """`created_at` as a datetime in UTC, to the microsecond; None before year 1 and after 9999."""
        try:
            return _EPOCH + timedelta(microseconds=self.created_at // 1000)
        except OverflowError:
            return None


def hash_of(given):
    return given if isinstance(given, int) else hash_property(given)


def fill(out, record, keep):
    out.key.node, out.key.property = unsigned(record.node), unsigned(hash_of(record.property))
    native.set_value(out.inherited, record.inherited, keep)
    native.set_value(out.actual, record.actual, keep)
    reason = record.reason
    native.set_string(out.reason, reason.encode() if isinstance(reason, str) else bytes(reason), keep)
    out.created_at_ns = to_ns(record.created_at)
    out.confidence, out.source = record.confidence, source_of(record.source)
    return out


def unsigned(number):
    if not 0 <= number < 2**64:
        raise OverflowError("not of 64 bits without a sign: %d" % number)
    return number


def filled(record, keep):
    return None if record is None else byref(fill(native.Record(), record, keep))


def read(record):
    return Record(record.key.node, record.key.property, native.get_value(record.inherited),
                  native.get_value(record.actual), native.get_string(record.reason), Source(record.source),
                  record.created_at_ns, record.confidence)


def take(pointer):
    """The record behind a pointer that is to be freed; None for none."""
    if not pointer:
        return None
    try:
        return read(pointer.contents)
    finally:
        _lib.caveat_record_free(pointer)


# --- Queries -------------------------------------------------------------------------------------

_ORDERS = {"key": 0, "confidence": 1, "time": 2}


def _ends(given, lowest, highest):
    """A pair, of which None leaves an end open."""
    low, high = given
    return lowest if low is None else low, highest if high is None else high


def query_of(keep, node=None, property=None, source=None, confidence=None, time=None, order="key",
           descending=False, limit=None, resume=None):
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
