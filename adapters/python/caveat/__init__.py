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
it. Times are nanoseconds since the Unix epoch, or datetimes with a zone.

A store may be used by any number of threads. Closing it closes its cursors and snapshots. What goes
wrong is a caveat.Error; each kind is a class of its own (Busy, Closed, Corruption, ...).

The library is libcaveat.so.0 of the same installation, or the one that CAVEAT_LIBRARY names.
"""
from . import _native, _records
from ._reading import Cursor, Snapshot
from ._records import Error, Record, Source, hash_property, to_ns
from ._store import Backups, Batch, Store

__version__ = _native.library.caveat_version().decode()
globals().update({kind.__name__: kind for kind in _records.KINDS.values()})
__all__ = ["Backups", "Batch", "Cursor", "Error", "Record", "Snapshot", "Source", "Store", "hash_property", "open",
           "to_ns", "volatile"] + sorted(kind.__name__ for kind in _records.KINDS.values())


def open(path, **options) -> Store:
    """Opens the store in a directory, or makes one.

    create=False           NotFound where there is none; exclusive=True: AlreadyExists where there is
    durability             "none", "wal" (the default) or "fsync", for writes that do not say
    memory_budget          bytes for everything; 256 MiB. Also cache_bytes, delta_bytes
    compression            "zstd" (the default), "lz4", "none", or the number of a codec. Also
                           compression_level, optimize_compression_level, partition_records,
                           partition_bytes, dictionary_bytes: see caveat/options.h
    codecs                 {number from 128 to 255: object}; the object has compress(raw, dictionary) and
                           decompress(stored, dictionary, size), from bytes to bytes
    keys                   {number: 32 bytes}, the last for what is written; the store is encrypted
                           (KeyMissing, WrongKey). encrypt=True: also one that is plain so far
    background=False       no thread of the store's own
    log                    a logger for what the store does and meets; "caveat" of module logging, if not
                           given; False: none. The fields of an event are in the record's attribute
                           `caveat`. The logger's level is looked at when the store is opened
    on_error               called with (kind, sentence) for errors in the background
    metrics_file           kept up to date for Prometheus, each metrics_interval_ms
    """
    return Store(path, options)


def volatile(**options) -> Store:
    """An empty store in memory. The options of open(), as far as they make sense."""
    return Store(None, options)
