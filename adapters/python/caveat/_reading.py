"""What a store and a snapshot can be asked, and the handles that hold a version of the store."""
import json
import threading
from contextlib import contextmanager
from ctypes import POINTER, byref, c_int32, c_uint64, c_void_p

from . import _native as native
from ._records import Closed, call, hash_of, query_of, read, take, unsigned

_lib = native.library


class Handle:
    """Something of a store's that is to be given back, at the latest when its store is closed.

    Any number of threads may use it; who closes it does not wait for them, and the last gives it back.
    """

    def __init__(self, store, kind, *arguments):
        self._store, self._kind = store, kind
        self._lock, self._users, self._closed = threading.Lock(), 0, False
        self._handle = c_void_p()
        call(kind + ("_open" if kind == "cursor" else "_create"), *arguments, byref(self._handle))
        store._children.add(self)

    @property
    def closed(self):
        return self._closed

    def close(self):
        with self._lock:
            self._closed = True
            unused = self._users == 0
            handle = self._handle
            if unused:
                self._handle = None
        if unused and handle:
            getattr(_lib, "caveat_%s_release" % self._kind)(handle)

    @contextmanager
    def _using(self):
        with self._lock:
            if self._closed:
                raise Closed("the %s was closed" % self._kind)
            self._users += 1
        try:
            yield self._handle
        finally:
            with self._lock:
                self._users -= 1
            if self._closed:
                self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()


class Cursor(Handle):
    """The results of a query, one by one, of one version of the store; closes itself at the end."""

    def __init__(self, store, snapshot, query):
        super().__init__(store, "cursor", store._native, snapshot, query)
        self._turn, self._last_token = threading.Lock(), None

    def __iter__(self):
        return self

    def __next__(self):
        # One thread at a time: what a record shows is gone with the next call.
        with self._turn:
            if self._last_token is not None:
                raise StopIteration
            with self._using() as handle:
                pointer = POINTER(native.Record)()
                call("cursor_next", handle, byref(pointer))
                if pointer:
                    return read(pointer.contents)
                self._last_token = self._token(handle)
            self.close()
            raise StopIteration

    @staticmethod
    def _token(handle):
        text = native.String()
        call("cursor_resume_token", handle, byref(text))
        return native.take_text(text).decode()

    @property
    def resume_token(self):
        """Give it as `resume` to the same query, also tomorrow, to go on behind the last result."""
        if self._last_token is not None:
            return self._last_token
        with self._turn, self._using() as handle:
            return self._token(handle)

    def skip_damage(self):
        """After Corruption: True if the next record is the one behind what cannot be read."""
        skipped = c_int32()
        with self._turn, self._using() as handle:
            call("cursor_skip_damage", handle, byref(skipped))
        return skipped.value == 1


class Reads:
    """What a store and a snapshot can be asked. `_view()` gives the two handles that a call takes."""

    def __contains__(self, key):
        node, property = key
        found = c_int32()
        with self._view() as view:
            call("contains", *view, unsigned(node), unsigned(hash_of(property)), byref(found))
        return found.value == 1

    def has_exceptions(self, node):
        """Has the node any exception at all?"""
        found = c_int32()
        with self._view() as view:
            call("has_exceptions", *view, unsigned(node), byref(found))
        return found.value == 1

    def get(self, node, property, default=None):
        """The record, or `default`."""
        pointer = POINTER(native.Record)()
        with self._view() as view:
            call("retrieve_exception", *view, unsigned(node), unsigned(hash_of(property)),
                 byref(pointer))
        return take(pointer) if pointer else default

    def __getitem__(self, key):
        found = self.get(*key)
        if found is None:
            raise KeyError(key)
        return found

    def get_many(self, keys):
        """A list with the record, or None, for each (node, property); all of one version."""
        wanted = [(unsigned(node), unsigned(hash_of(property))) for node, property in keys]
        records = (POINTER(native.Record) * len(wanted))()
        with self._view() as view:
            call("bulk_retrieve", *view, (native.Key * len(wanted))(*wanted), len(wanted), records)
        return [take(pointer) if pointer else None for pointer in records]

    def query(self, **conditions) -> Cursor:
        """The records that meet all conditions.

        node, property, source   equal to it
        confidence, time         a pair (low, high), closed; None leaves an end open
        order, descending        "key", "confidence" or "time"
        limit, resume            at most so many; a resume_token to go on behind
        """
        keep = []
        query = query_of(keep, **conditions)
        with self._view() as (_, snapshot):
            return Cursor(self._of_store(), snapshot, query)

    def __iter__(self):
        return self.query()

    def count(self, **conditions):
        """How many records query(...) would give."""
        number, keep = c_uint64(), []
        query = query_of(keep, **conditions)
        with self._view() as view:
            call("count", *view, query, byref(number))
        return number.value

    def explain(self, **conditions):
        """How query(...) would run: lines for people."""
        return self._text("explain", conditions)

    def plan(self, **conditions):
        """The same as a dict."""
        return json.loads(self._text("explain_json", conditions))

    def _text(self, name, conditions):
        text, keep = native.String(), []
        query = query_of(keep, **conditions)
        with self._view() as view:
            call(name, *view, query, byref(text))
        return native.take_text(text).decode()


class Snapshot(Handle, Reads):
    """One version of the store: later writes do not show."""

    def __init__(self, store):
        super().__init__(store, "snapshot", store._native)

    @property
    def sequence(self):
        """Writes up to this number are in it."""
        with self._using() as handle:
            return _lib.caveat_snapshot_sequence(handle)

    @contextmanager
    def _view(self):
        with self._using() as handle:
            yield self._store._native, handle

    def _of_store(self):
        return self._store
