"""caveat: a store for exceptions to inherited property values in knowledge graphs.

    import caveat

    with caveat.open("birds.store") as store:
        store.put(42, "can_fly", inherited=True, actual=False, reason="penguins swim")
        if (42, "can_fly") in store:
            print(store[42, "can_fly"].reason)
        for record in store.query(property="can_fly", confidence=(0.9, None), order="time"):
            print(record.node, record.actual, record.created)

Values are None, bool, int (64 bits), float, str, bytes and lists of them. Bytes that are UTF-8 are
read as str. A property is its name or its hash; a name is registered when something is written under
it, and records that are read have it: `record.property`, beside `record.property_hash`. Times are nanoseconds since the Unix epoch, or datetimes with a zone.

A store may be used by any number of threads. Closing it closes its cursors and snapshots. What goes
wrong is a caveat.Error; each kind is a class of its own (Busy, Closed, Corruption, ...).

The library is libcaveat.so.0 of the same installation, or the one that CAVEAT_LIBRARY names.
"""
from __future__ import annotations

import os
from typing import Any

from . import _native
from ._backups import Backups
from ._errors import (AlreadyExists, Busy, Cancelled, Closed, CodecMissing, Corruption, Error, HashCollision,
                      Internal, InvalidArgument, IoError, KeyMissing, LimitExceeded, Locked, NoSpace,
                      NotFound, OutOfMemory, ReadOnly, UnsupportedFormat, WrongKey)
from ._options import Codec
from ._reading import Cursor, Snapshot
from ._records import Record, Source, hash_property, to_ns
from ._store import IN_MEMORY, Batch, KeyUsage, Store

__version__: str = _native.shared_object.caveat_version().decode()
__all__ = ["AlreadyExists", "Backups", "Batch", "Busy", "Cancelled", "Closed", "Codec", "CodecMissing",
           "Corruption", "Cursor", "Error", "HashCollision", "Internal", "InvalidArgument", "IoError",
           "KeyMissing", "KeyUsage", "LimitExceeded", "Locked", "NoSpace", "NotFound", "OutOfMemory",
           "ReadOnly", "Record", "Snapshot", "Source", "Store", "UnsupportedFormat", "WrongKey",
           "hash_property", "open", "to_ns", "volatile"]


def open(path: str | bytes | os.PathLike[Any], **options: Any) -> Store:
    """Opens the store in a directory, or makes one.

    create=False           NotFound where there is none; exclusive=True: AlreadyExists where there is
    durability             "none", "wal" (the default) or "fsync", for writes that do not say
    memory_budget          bytes for everything; 256 MiB. Also cache_bytes, delta_bytes
    compression            "zstd", "lz4", "none", or the number of a codec. Also compression_level,
                           optimize_compression_level, partition_records, partition_bytes,
                           dictionary_bytes: see caveat/options.h. What is not given, or 0 (of
                           dictionary_bytes: None), the store chooses, and says so in
                           statistics(exact=True)["tuning"]
    codecs                 {number from 128 to 255: object}; the object has compress(raw, dictionary) and
                           decompress(stored, dictionary, size), from bytes to bytes
    keys, current_key      the store is encrypted (KeyMissing, WrongKey): {number: 32 bytes}, or any
                           mapping, or a function from a number to 32 bytes, which is called while the
                           store opens and not later; it returns None or raises KeyError where there is
                           no such key, and what else it raises is raised here. current_key is the
                           number for what is written: of a mapping the last, if not given.
                           encrypt=True: also a store that is plain so far
    background=False       no thread of the store's own
    log                    a logger for what the store does and meets; "caveat" of module logging, if not
                           given; False: none. The fields of an event are in the record's attribute
                           `caveat`. The logger's level is looked at when the store is opened
    on_error               called with (kind, sentence) for errors in the background
    metrics_file           kept up to date for Prometheus, each metrics_interval_ms
    """
    return Store(path, options)


def volatile(**options: Any) -> Store:
    """An empty store in memory. The options of open(), as far as they make sense."""
    return Store(IN_MEMORY, options)
