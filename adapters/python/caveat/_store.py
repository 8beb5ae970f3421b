"""Stores, and batches of writes."""
from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import time
import weakref
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from ctypes import POINTER, byref, c_int32, c_size_t, c_uint64, c_void_p, sizeof
from typing import Any, NamedTuple, NoReturn

from . import _native as native
from ._backups import Progress, progress_of
from ._errors import Busy, Closed, Error, call
from ._options import OpenOptions, Path, durability_of
from ._reading import Handle, Reads, Snapshot, no_copy
from ._records import (Key, Moment, Property, Record, Source, checked, created_ns, fill, filled, flag, hash_of,
                       key_of, source_of, take, unsigned)

_lib = native.shared_object


class KeyUsage(NamedTuple):
    """How much of a store lies under one key."""
    key_id: int  # 0: not encrypted
    current: bool  # new values are under it
    values: int
    bytes: int


class _Writes:
    """What a store and a batch have in common."""

    def put_record(self, record: Record) -> None:
        raise NotImplementedError

    def put(self, node: int, property: Property, actual: Any, inherited: Any = None, *,
            reason: str | bytes = "", source: Source | int | str = Source.EXPLICIT,
            created_at: Moment | None = None, confidence: float = 1.0) -> None:
        """Stores an exception, or replaces the one that is there. `created_at`: now, if not given."""
        moment = time.time_ns() if created_at is None else created_ns(created_at)
        self.put_record(Record(node, property, inherited, actual, reason, source_of(source), moment, confidence))


class Batch(_Writes):
    """Writes that are made together or not at all: when the `with` block ends, unless it fails.

    In order, so that of several writes of one key the last counts. For one thread at a time.
    """

    def __init__(self, store: Store, durability: str | None) -> None:
        self._handle = c_void_p()
        self._store, self._durability = store, durability_of(durability)
        call("batch_create", byref(self._handle))

    def put_record(self, record: Record) -> None:
        """Stores a record, or replaces the one that is there."""
        self._store._name(checked(record, "record").property)
        call("batch_store_exception", self._handle, filled(record, []))

    def remove(self, node: int, property: Property) -> None:
        """Removes what is there, if anything."""
        call("batch_remove_exception", self._handle, *key_of((node, property)))

    def clear_node(self, node: int) -> None:
        """Removes everything of a node."""
        call("batch_clear_node", self._handle, unsigned(node, "node"))

    def clear_property(self, property: Property) -> None:
        """Removes everything of a property."""
        call("batch_clear_property", self._handle, hash_of(property))

    def __len__(self) -> int:
        """How many writes it holds."""
        count = c_size_t()
        call("batch_size", self._handle, byref(count), None)
        return count.value

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            call("write", self._store._native, self._handle, self._durability)
        self.__del__()

    def __del__(self) -> None:
        handle, self._handle = self._handle, c_void_p()
        _lib.caveat_batch_release(handle)

    def __reduce__(self) -> NoReturn:
        raise no_copy(self)


class _InMemory:
    """In place of a path: no directory."""


IN_MEMORY = _InMemory()


class Store(Reads, _Writes):
    """Made by caveat.open and caveat.volatile."""

    _made: c_void_p | None = None
    _forked = False  # it belongs to the process that this one is a fork of

    @property
    def _native(self) -> c_void_p | None:
        if self._forked:
            raise Closed("the store was opened before this process was forked: open it here, when the "
                         "other process has closed it, or fork first")
        return self._made

    def __init__(self, path: Path | _InMemory, options: dict[str, Any]) -> None:
        if path is not IN_MEMORY and not isinstance(path, (str, bytes, os.PathLike)):
            raise TypeError("path is the directory of the store, a str, bytes or os.PathLike: %r; "
                            "caveat.volatile() is an empty store in memory" % (path,))
        self._children: weakref.WeakSet[Handle] = weakref.WeakSet()
        self._gate, self._closing, self._closed = threading.Lock(), False, False
        self._named: set[str] = set()
        self._names: dict[int, str] = {}
        taken = OpenOptions(**options)
        self._keep, made = taken.keep, c_void_p()
        with taken as given:
            if isinstance(path, _InMemory):
                call("open_volatile", given, byref(made))
            else:
                call("open", native.path_bytes(path), given, byref(made))
        self._made = made
        _open_stores.add(self)

    # --- Opening and closing ---------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Closes the store's cursors and snapshots, when the calls that use them have ended, then the
        store: folds what is pending and releases the files. Again: does nothing. Busy, and the store
        stays open, where another thread is in a long operation such as verify()."""
        if self._forked:
            return
        with self._gate:
            self._closing = True
            children = list(self._children)
        try:
            for child in children:
                child._close_and_wait()
            call("close", self._native)
            self._closed = True
        except Busy:
            raise
        except Error:
            self._closed = True  # all that was acknowledged is in its log
            raise
        finally:
            self._closing = self._closed

    def _adopt(self, child: Handle) -> None:
        """A cursor or a snapshot, which close() closes."""
        with self._gate:
            if self._closing:
                raise Closed("the store is being closed")
            self._children.add(child)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Not in close(): another thread may be in a call.
        if self._made is not None and not self._forked:
            _lib.caveat_store_release(self._made)

    def __reduce__(self) -> NoReturn:
        raise no_copy(self)

    def _forget(self) -> None:
        """In a fork: neither the store's threads nor its locks came along."""
        self._forked = self._closed = True
        for child in list(self._children):
            child._forget()

    def _view(self) -> AbstractContextManager[tuple[c_void_p | None, c_void_p | None]]:
        return nullcontext((self._native, None))

    def _of_store(self) -> Store:
        return self

    def snapshot(self) -> Snapshot:
        """One version of the store, for several reads."""
        return Snapshot(self)

    # --- Property names --------------------------------------------------------------------------

    def register(self, name: str) -> int:
        """Makes a name known, and returns its hash. Done by every write under a name."""
        if not isinstance(name, str):
            raise TypeError("the name of a property is str: %r" % (name,))
        data, number = name.encode(), c_uint64()
        call("register_property", self._native, data, len(data), byref(number))
        self._named.add(name)
        return number.value

    def _name(self, property: Property) -> None:
        if isinstance(property, str) and property not in self._named:
            self.register(property)

    def _name_bytes(self, property: int) -> bytes | None:
        text = native.String()
        call("property_name", self._native, unsigned(property, "property"), byref(text))
        return native.take_text(text) if text.data else None

    def property_name(self, property: int) -> str | None:
        """The name behind a hash, or None."""
        name = self._name_bytes(property)
        return None if name is None else name.decode(errors="replace")

    def _name_of(self, property: int) -> Property:
        """The name, if there is one that is text; a hash stays as it is. A name never changes."""
        known = self._names.get(property)
        if known is not None:
            return known
        data = self._name_bytes(property)
        try:
            name = None if data is None else data.decode()
        except UnicodeDecodeError:
            name = None
        if name is None:
            return property
        self._names[property] = name
        return name

    # --- Writing ---------------------------------------------------------------------------------

    def put_record(self, record: Record, durability: str | None = None) -> None:
        """Stores a record, or replaces the one that is there."""
        self._name(checked(record, "record").property)
        call("store_exception", self._native, filled(record, []), durability_of(durability))

    def put_many(self, records: Iterable[Record], durability: str | None = None, chunk: int = 10000) -> int:
        """Stores any number of records out of an iterable, `chunk` of them at a time; returns how many.
        A chunk of at most 65,536 is stored whole or not at all; where one fails, those before stay."""
        if not isinstance(records, Iterable):
            raise TypeError("records is an iterable of caveat.Record: %r" % (records,))
        if unsigned(chunk, "chunk") == 0:
            raise ValueError("chunk is at least 1")
        durability_of(durability)
        count, some = 0, []  # type: tuple[int, list[Record]]
        for number, record in enumerate(records):
            some.append(checked(record, "records[%d]" % number))
            if len(some) == chunk:
                count += self._put_chunk(some, durability)
                some = []
        return count + (self._put_chunk(some, durability) if some else 0)

    def _put_chunk(self, records: list[Record], durability: str | None) -> int:
        keep: list[Any] = []
        array = (native.Record * len(records))()
        for place, record in zip(array, records):
            self._name(record.property)
            fill(place, record, keep)
        call("bulk_store", self._native, array, len(records), durability_of(durability), None)
        return len(records)

    def exchange(self, record: Record, durability: str | None = None) -> Record | None:
        """Stores a record, and returns the one that was there, or None."""
        self._name(checked(record, "record").property)
        was = POINTER(native.Record)()
        call("exchange_exception", self._native, filled(record, []), durability_of(durability), byref(was))
        return take(was, self._name_of) if was else None

    def remove(self, node: int, property: Property, durability: str | None = None) -> None:
        """Removes what is there, if anything; reads nothing."""
        call("remove_exception", self._native, *key_of((node, property)),
             durability_of(durability))

    def __delitem__(self, key: Key) -> None:
        key_of(key)
        if not self.erase(*key):
            raise KeyError(key)

    def erase(self, node: int, property: Property, durability: str | None = None) -> bool:
        """Removes what is there; True if there was anything. Reads keys alone: cheaper than take()."""
        erased = c_int32()
        call("erase_exception", self._native, *key_of((node, property)),
             durability_of(durability), byref(erased))
        return erased.value == 1

    def take(self, node: int, property: Property, durability: str | None = None) -> Record | None:
        """Removes the record, and returns it; None where there is none."""
        was = POINTER(native.Record)()
        call("take_exception", self._native, *key_of((node, property)),
             durability_of(durability), byref(was))
        return take(was, self._name_of) if was else None

    def compare_and_set(self, node: int, property: Property, expected: Record | None, desired: Record | None,
                        durability: str | None = None) -> bool:
        """Writes `desired` (None: removes) if what is there equals `expected` (None: nothing is there).
        True if it did. Of records only what is not the key counts."""
        swapped, keep = c_int32(), []  # type: tuple[c_int32, list[Any]]
        for what, record in (("expected", expected), ("desired", desired)):
            if record is not None and not isinstance(record, Record):
                raise TypeError("%s is a caveat.Record or None: %r" % (what, record))
        self._name(property)
        call("compare_and_set", self._native, *key_of((node, property)),
             filled(expected, keep), filled(desired, keep), durability_of(durability), byref(swapped))
        return swapped.value == 1

    def batch(self, durability: str | None = None) -> Batch:
        """Writes that are made together, at the end of a `with` block."""
        return Batch(self, durability)

    def clear_node(self, node: int, durability: str | None = None) -> None:
        """Removes everything of a node: one short write, whatever it covers."""
        call("clear_node", self._native, unsigned(node, "node"), durability_of(durability))

    def clear_property(self, property: Property, durability: str | None = None) -> None:
        """Removes everything of a property: one short write, whatever it covers."""
        call("clear_property", self._native, hash_of(property), durability_of(durability))

    def flush(self) -> None:
        """All that was written is on the device when this returns."""
        call("flush", self._native)

    # --- Maintenance -----------------------------------------------------------------------------
    # progress(stage, done, total) is called now and then; where it returns False the operation ends
    # with Cancelled, and what it raises is raised here.

    def optimize(self, progress: Progress | None = None) -> dict[str, int]:
        """Rewrites what is worth it, and ends a rotation of keys. What was done, as a dict."""
        return self._long("optimize_storage", progress, native.Optimization())

    def compact(self, progress: Progress | None = None) -> dict[str, int]:
        """Gives space back to the file system. What was done, as a dict."""
        return self._long("compact_storage", progress, native.Compaction())

    def rebuild_indexes(self, progress: Progress | None = None) -> None:
        """Makes all indexes anew from the records."""
        with progress_of(progress) as told:
            call("rebuild_indexes", self._native, told, None)

    def verify(self, progress: Progress | None = None) -> dict[str, Any]:
        """Reads everything. A dict: "sound" is True, or "errors" says what is wrong."""
        text = native.String()
        with progress_of(progress) as told:
            call("verify", self._native, told, None, None, byref(text))
        found: dict[str, Any] = json.loads(native.take_text(text))
        return found

    def forget_lost_writes(self) -> int:
        """Forgets the records of the log that an opening could not read, which verify() names: after what
        they wrote was written again, or is given up. How many there were."""
        forgotten = c_uint64()
        call("forget_lost_writes", self._native, byref(forgotten))
        return forgotten.value

    def backup(self, directory: Path, keep: int = 0, check: bool = True,
               progress: Progress | None = None) -> dict[str, int]:
        """Adds a backup to the directory, while the store is used: a dict with its "id". `keep`: how many
        to leave; `check`: read it back first. caveat.Backups is for what comes afterwards."""
        made = native.Backup(size=sizeof(native.Backup))
        with progress_of(progress) as told:
            call("create_backup", self._native, native.path_bytes(directory), unsigned(keep, "keep"),
                 flag("check", check), told, None, byref(made))
        return made.as_dict()

    def _long(self, name: str, progress: Progress | None, results: Any) -> dict[str, int]:
        results.size = sizeof(results)
        with progress_of(progress) as told:
            call(name, self._native, told, None, byref(results))
        done: dict[str, int] = results.as_dict()
        return done

    def statistics(self, exact: bool = False) -> dict[str, Any]:
        """A dict with the names of caveat/statistics.h. `exact` folds what is pending, and counts."""
        text = native.String()
        call("statistics_json", self._native, flag("exact", exact), byref(text))
        found: dict[str, Any] = json.loads(native.take_text(text))
        return found

    def metrics(self) -> str:
        """Text for Prometheus: docs/operating.md says what it tells."""
        text = native.String()
        call("metrics", self._native, byref(text))
        return native.take_text(text).decode()

    def key_usage(self) -> list[KeyUsage]:
        """Which keys the values of an encrypted store are under; reads everything."""
        count = c_size_t(8)
        while True:
            room = count.value
            uses = (native.KeyUse * room)()
            call("key_usage", self._native, uses, room, byref(count))
            if count.value <= room:
                return [KeyUsage(use.key_id, use.current == 1, use.values, use.bytes)
                        for use in uses[:count.value]]


# The library's threads call into Python: no store may be open when the interpreter goes.
_open_stores: weakref.WeakSet[Store] = weakref.WeakSet()


def _forget_all() -> None:
    for store in list(_open_stores):
        store._forget()


os.register_at_fork(after_in_child=_forget_all)


@atexit.register
def _close_all() -> None:
    for store in list(_open_stores):
        try:
            store.close()
        except Exception:
            logging.getLogger("caveat").exception("a store could not be closed at the end")
