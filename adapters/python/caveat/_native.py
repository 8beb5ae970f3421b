"""libcaveat.so through ctypes: the structs and calls of caveat/c.h, and values on their way in and out."""
from __future__ import annotations

import ctypes
import os
from ctypes import (POINTER, Structure, Union, byref, c_char_p, c_double, c_float, c_int, c_int32,
                    c_int64, c_size_t, c_uint32, c_uint64, c_void_p)
from pathlib import Path
from typing import Any

ABI_VERSION = 1


def _candidates() -> list[str]:
    named = os.environ.get("CAVEAT_LIBRARY")
    if named:
        return [named]
    # Beside this file where both were installed under one prefix; then wherever the loader looks.
    here = Path(__file__).resolve()
    beside = [path for up in here.parents[1:5] for path in (up / "libcaveat.so.0", up / "lib" / "libcaveat.so.0")]
    return [str(path) for path in beside if path.exists()] + ["libcaveat.so.0"]


def _load() -> Any:
    reasons = []
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
            version = library.caveat_abi_version()
        except (OSError, AttributeError) as error:
            reasons.append("%s: %s" % (path, error))
            continue
        if version == ABI_VERSION:
            return library
        reasons.append("%s: its ABI is %d, and this module knows %d" % (path, version, ABI_VERSION))
    raise ImportError("no libcaveat.so.0 that fits (CAVEAT_LIBRARY names one): " + "; ".join(reasons))


class String(Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t)]

    def bytes(self) -> bytes:
        return ctypes.string_at(self.data, self.size) if self.size else b""


class Value(Structure):
    pass


class _List(Structure):
    _fields_ = [("items", POINTER(Value)), ("count", c_size_t)]


class _As(Union):
    _fields_ = [("boolean", c_int32), ("integer", c_int64), ("number", c_double),
                ("string", String), ("list", _List)]


Value._fields_ = [("kind", c_int32), ("as_", _As)]
NULL, BOOLEAN, INTEGER, FLOAT, STRING, LIST = range(6)


class Key(Structure):
    _fields_ = [("node", c_uint64), ("property", c_uint64)]


class Record(Structure):
    _fields_ = [("key", Key), ("inherited", Value), ("actual", Value), ("reason", String),
                ("created_at_ns", c_int64), ("confidence", c_float), ("source", c_int32)]


class LogField(Structure):
    _fields_ = [("key", String), ("value", Value)]


class LogEvent(Structure):
    _fields_ = [("size", c_size_t), ("severity", c_int32), ("field_count", c_uint32),
                ("component", String), ("event", String), ("message", String),
                ("fields", POINTER(LogField))]


LOG = ctypes.CFUNCTYPE(None, c_void_p, POINTER(LogEvent))
COMPRESS = ctypes.CFUNCTYPE(c_int, c_void_p, String, String, c_void_p, c_size_t, POINTER(c_size_t))
KEY = ctypes.CFUNCTYPE(c_int32, c_void_p, c_uint32, c_void_p, c_void_p, c_size_t)
DECOMPRESS = ctypes.CFUNCTYPE(c_int, c_void_p, String, String, c_void_p, c_size_t)
RELEASE = ctypes.CFUNCTYPE(None, c_void_p)
LISTENER = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
PROGRESS = ctypes.CFUNCTYPE(c_int, c_void_p, c_char_p, c_uint64, c_uint64)
NO_PROGRESS: Any = PROGRESS()  # type: ignore[call-overload]


class Codec(Structure):
    _fields_ = [("size", c_size_t), ("id", c_uint32), ("uses_dictionary", c_uint32),
                ("name", c_char_p), ("context", c_void_p), ("compress", COMPRESS),
                ("decompress", DECOMPRESS), ("release", RELEASE)]


class KeyProvider(Structure):
    _fields_ = [("size", c_size_t), ("current", c_uint32), ("zero", c_uint32), ("context", c_void_p),
                ("key", KEY)]


class KeyUse(Structure):
    _fields_ = [("key_id", c_uint32), ("current", c_uint32), ("values", c_uint64), ("bytes", c_uint64)]


class Options(Structure):
    _fields_ = [("size", c_size_t), ("flags", c_uint32), ("durability", c_int32),
                ("memory_budget_bytes", c_uint64), ("cache_bytes", c_uint64),
                ("delta_bytes", c_uint64), ("compression", c_int32), ("custom_codec_id", c_uint32),
                ("compression_level", c_int32), ("optimize_compression_level", c_int32),
                ("partition_records", c_uint64), ("partition_bytes", c_uint64),
                ("dictionary_bytes", c_int64), ("codecs", POINTER(Codec)), ("codec_count", c_size_t),
                ("log", LOG), ("log_context", c_void_p), ("log_least", c_int32),
                ("metrics_interval_ms", c_uint32), ("metrics_file", c_char_p),
                ("on_background_error", LISTENER), ("on_background_error_context", c_void_p),
                ("clock", c_void_p), ("clock_context", c_void_p), ("keys", c_char_p),
                ("key_provider", POINTER(KeyProvider))]


class Query(Structure):
    _fields_ = [("size", c_size_t), ("fields", c_uint32), ("source", c_int32), ("node", c_uint64),
                ("property", c_uint64), ("confidence_min", c_float), ("confidence_max", c_float),
                ("time_start_ns", c_int64), ("time_end_ns", c_int64), ("order", c_int32),
                ("descending", c_int32), ("limit", c_uint64), ("resume_token", String),
                ("node_first", c_uint64), ("node_last", c_uint64)]


def _results(*names: str) -> Any:
    class Results(Structure):
        _fields_ = [("size", c_size_t)] + [(name, c_uint64) for name in names]

        def as_dict(self) -> dict[str, int]:
            return {name: getattr(self, name) for name in names}
    return Results


Optimization = _results("partitions_rewritten", "partitions_split", "partitions_joined",
                        "hints_removed", "indexes_rebuilt", "dictionaries_trained", "bytes_before",
                        "bytes_after", "duration_ns", "partitions_skipped")
Compaction = _results("disk_bytes_before", "disk_bytes_after", "bytes_reclaimed", "duration_ns")


class Backup(Structure):
    _fields_ = [("size", c_size_t), ("id", c_uint64), ("created_ns", c_int64), ("records", c_uint64),
                ("bytes", c_uint64), ("new_bytes", c_uint64), ("files", c_uint64)]

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name, _ in self._fields_[1:]}


shared_object = _load()
HANDLE, OUT, TEXT = c_void_p, POINTER(c_void_p), POINTER(String)
RECORD, OUT_RECORD, QUERY = POINTER(Record), POINTER(POINTER(Record)), POINTER(Query)
FLAG, NUMBER = POINTER(c_int32), POINTER(c_uint64)

# What each call takes; those that can fail also take a place for the error.
_CAN_FAIL = {
    "open": (c_char_p, POINTER(Options), OUT),
    "open_volatile": (POINTER(Options), OUT),
    "close": (HANDLE,),
    "register_property": (HANDLE, c_char_p, c_size_t, NUMBER),
    "register_properties": (HANDLE, POINTER(String), c_size_t),
    "property_name": (HANDLE, c_uint64, TEXT),
    "store_exception": (HANDLE, RECORD, c_int32),
    "remove_exception": (HANDLE, c_uint64, c_uint64, c_int32),
    "exchange_exception": (HANDLE, RECORD, c_int32, OUT_RECORD),
    "take_exception": (HANDLE, c_uint64, c_uint64, c_int32, OUT_RECORD),
    "erase_exception": (HANDLE, c_uint64, c_uint64, c_int32, FLAG),
    "compare_and_set": (HANDLE, c_uint64, c_uint64, RECORD, RECORD, c_int32, FLAG),
    "bulk_store": (HANDLE, RECORD, c_size_t, c_int32, NUMBER),
    "clear_node": (HANDLE, c_uint64, c_int32),
    "clear_property": (HANDLE, c_uint64, c_int32),
    "flush": (HANDLE,),
    "batch_create": (OUT,),
    "batch_store_exception": (HANDLE, RECORD),
    "batch_remove_exception": (HANDLE, c_uint64, c_uint64),
    "batch_clear_node": (HANDLE, c_uint64),
    "batch_clear_property": (HANDLE, c_uint64),
    "batch_size": (HANDLE, POINTER(c_size_t), POINTER(c_size_t)),
    "write": (HANDLE, HANDLE, c_int32),
    "snapshot_create": (HANDLE, OUT),
    "contains": (HANDLE, HANDLE, c_uint64, c_uint64, FLAG),
    "has_exceptions": (HANDLE, HANDLE, c_uint64, FLAG),
    "retrieve_exception": (HANDLE, HANDLE, c_uint64, c_uint64, OUT_RECORD),
    "bulk_retrieve": (HANDLE, HANDLE, POINTER(Key), c_size_t, OUT_RECORD),
    "cursor_open": (HANDLE, HANDLE, QUERY, OUT),
    "cursor_next": (HANDLE, OUT_RECORD),
    "cursor_skip_damage": (HANDLE, FLAG),
    "cursor_resume_token": (HANDLE, TEXT),
    "count": (HANDLE, HANDLE, QUERY, NUMBER),
    "explain": (HANDLE, HANDLE, QUERY, TEXT),
    "explain_json": (HANDLE, HANDLE, QUERY, TEXT),
    "optimize_storage": (HANDLE, PROGRESS, c_void_p, POINTER(Optimization)),
    "compact_storage": (HANDLE, PROGRESS, c_void_p, POINTER(Compaction)),
    "rebuild_indexes": (HANDLE, PROGRESS, c_void_p),
    "verify": (HANDLE, PROGRESS, c_void_p, c_void_p, TEXT),
    "forget_lost_writes": (HANDLE, NUMBER),
    "statistics_json": (HANDLE, c_int32, TEXT),
    "metrics": (HANDLE, TEXT),
    "key_usage": (HANDLE, POINTER(KeyUse), c_size_t, POINTER(c_size_t)),
    "create_backup": (HANDLE, c_char_p, c_uint64, c_int32, PROGRESS, c_void_p, POINTER(Backup)),
    "list_backups": (c_char_p, TEXT),
    "verify_backup": (c_char_p, c_uint64, c_int32, PROGRESS, c_void_p, POINTER(Backup)),
    "verify_backup_with_keys": (c_char_p, c_uint64, POINTER(Options), PROGRESS, c_void_p, POINTER(Backup)),
    "restore_backup": (c_char_p, c_uint64, c_char_p, c_int32, PROGRESS, c_void_p, POINTER(Backup)),
    "delete_backup": (c_char_p, c_uint64),
    "keep_newest_backups": (c_char_p, c_uint64, NUMBER),
}
_CANNOT_FAIL = {
    "version": (c_char_p,), "error_message": (c_char_p, HANDLE), "error_free": (None, HANDLE),
    "code_name": (c_char_p, c_int32), "string_free": (None, TEXT), "record_free": (None, RECORD),
    "hash_property": (c_uint64, c_char_p, c_size_t), "store_release": (None, HANDLE),
    "batch_release": (None, HANDLE), "snapshot_release": (None, HANDLE),
    "cursor_release": (None, HANDLE), "snapshot_sequence": (c_uint64, HANDLE),
}
for _name, _arguments in _CAN_FAIL.items():
    _function = getattr(shared_object, "caveat_" + _name)
    _function.restype, _function.argtypes = c_int32, _arguments + (OUT,)
for _name, _types in _CANNOT_FAIL.items():
    _function = getattr(shared_object, "caveat_" + _name)
    _function.restype, _function.argtypes = _types[0], _types[1:]


def path_bytes(path: str | bytes | os.PathLike[Any]) -> bytes:
    """As the C library takes a path. ValueError where it would end early."""
    given = os.fsencode(path)
    if b"\0" in given:
        raise ValueError("a path holds no NUL: %r" % (path,))
    return given


def take_text(string: String) -> bytes:
    """The string's bytes; it is given back."""
    text = string.bytes()
    shared_object.caveat_string_free(byref(string))
    return text


# --- Values --------------------------------------------------------------------------------------

def set_string(string: String, data: bytes, keep: list[Any]) -> None:
    """Lets the string show `data` (bytes), which `keep` keeps alive."""
    keep.append(data)
    string.data = ctypes.cast(c_char_p(data), c_void_p)
    string.size = len(data)


def set_value(value: Value, given: Any, keep: list[Any], depth: int = 0) -> None:
    """Fills a Value. ValueError, TypeError or OverflowError where no value of caveat is like it."""
    if given is None:
        value.kind = NULL
    elif isinstance(given, bool):
        value.kind, value.as_.boolean = BOOLEAN, given
    elif isinstance(given, int):
        if not -2**63 <= given < 2**63:
            raise OverflowError("an integer is of 64 bits: %d" % given)
        value.kind, value.as_.integer = INTEGER, given
    elif isinstance(given, float):
        value.kind, value.as_.number = FLOAT, given
    elif isinstance(given, (str, bytes, bytearray)):
        value.kind = STRING
        set_string(value.as_.string, given.encode() if isinstance(given, str) else bytes(given), keep)
    elif isinstance(given, (list, tuple)):
        if depth == 16:
            raise ValueError("lists are nested more than 16 deep")
        value.kind = LIST
        items = (Value * len(given))()
        keep.append(items)
        for item, element in zip(items, given):
            set_value(item, element, keep, depth + 1)
        value.as_.list.items = ctypes.cast(items, POINTER(Value))
        value.as_.list.count = len(given)
    else:
        raise TypeError("no value of caveat: %r" % (given,))


def get_string(string: String) -> str | bytes:
    """str, or bytes where they are no UTF-8."""
    data = string.bytes()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def get_value(value: Value) -> Any:
    kind = value.kind
    if kind == NULL:
        return None
    if kind == BOOLEAN:
        return value.as_.boolean != 0
    if kind == INTEGER:
        return value.as_.integer
    if kind == FLOAT:
        return value.as_.number
    if kind == STRING:
        return get_string(value.as_.string)
    items = value.as_.list.items
    return [get_value(items[i]) for i in range(value.as_.list.count)]
