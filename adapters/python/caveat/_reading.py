"""What a store and a snapshot can be asked, and the handles that hold a version of the store."""
from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from ctypes import POINTER, byref, c_int32, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from . import _native as native
from ._errors import Busy, Closed, call
from ._records import (ConfidenceRange, Key, NodeRange, Property, Record, Source, TimeRange, key_of, query_of, read,
                       take, unsigned)

if TYPE_CHECKING:
    from ._store import Store

_lib = native.shared_object
_Default = TypeVar("_Default")
_Self = TypeVar("_Self", bound="Handle")


def no_copy(what: object) -> TypeError:
    return TypeError("a %s is one thing and cannot be copied or pickled" % type(what).__name__)


class Handle:
    """Something of a store's that is to be given back, at the latest when its store is closed.

    Any number of threads may use it; who closes it does not wait for them, and the last gives it back.
    """
    _handle: c_void_p | None = None

    def __init__(self, store: Store, kind: str, *arguments: Any) -> None:
        self._store, self._kind = store, kind
        self._turn_over, self._users, self._closed = threading.Condition(), 1, False
        self._handle = c_void_p()
        store._adopt(self)
        try:
            call(kind + ("_open" if kind == "cursor" else "_create"), *arguments, byref(self._handle))
        finally:
            self._leave()

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Gives it back. Again: does nothing."""
        with self._turn_over:
            self._closed = True
            self._give_back()

    def _give_back(self) -> None:
        if self._users == 0 and self._handle is not None:
            handle, self._handle = self._handle, None
            getattr(_lib, "caveat_%s_release" % self._kind)(handle)
            self._turn_over.notify_all()

    def _leave(self) -> None:
        with self._turn_over:
            self._users -= 1
            if self._closed:
                self._give_back()

    def _close_and_wait(self) -> None:
        """The calls of other threads that are under way end first."""
        self.close()
        with self._turn_over:
            self._turn_over.wait_for(lambda: self._handle is None)

    @contextmanager
    def _using(self) -> Iterator[c_void_p]:
        with self._turn_over:
            if self._closed or self._handle is None:
                raise Closed("the %s was closed" % self._kind)
            self._users += 1
        try:
            yield self._handle
        finally:
            self._leave()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if self._handle is not None:
            self.close()

    def __reduce__(self) -> NoReturn:
        raise no_copy(self)

    def _forget(self) -> None:
        """In a fork: there is nothing to give back."""
        self._turn_over, self._users, self._closed, self._handle = threading.Condition(), 0, True, None


class Cursor(Handle, Iterator[Record]):
    """The results of a query, one by one, of one version of the store; closes itself at the end."""

    def __init__(self, store: Store, snapshot: c_void_p | None, query: Any) -> None:
        self._turn, self._last_token = threading.Lock(), None  # type: tuple[threading.Lock, str | None]
        # What the last call showed and nobody could read, for want of memory or an interrupt.
        self._shown = POINTER(native.Record)()
        super().__init__(store, "cursor", store._native, snapshot, query)

    def __iter__(self) -> Cursor:
        return self

    def __next__(self) -> Record:
        # One thread at a time: what a record shows is gone with the next call.
        with self._turn:
            if self._last_token is not None:
                raise StopIteration
            with self._using() as handle:
                if not self._shown:
                    call("cursor_next", handle, byref(self._shown))
                if self._shown:
                    record = read(self._shown.contents, self._store._name_of)
                    self._shown = POINTER(native.Record)()
                    return record
                self._last_token = self._token(handle)
            self.close()
            raise StopIteration

    @staticmethod
    def _token(handle: c_void_p) -> str:
        text = native.String()
        call("cursor_resume_token", handle, byref(text))
        return native.take_text(text).decode()

    @property
    def resume_token(self) -> str:
        """Give it as `resume` to the same query, also tomorrow, to go on behind the last result.

        Busy where the last one could not be read, as for want of memory: ask for it again first.
        """
        if self._last_token is not None:
            return self._last_token
        with self._turn, self._using() as handle:
            if self._shown:
                raise Busy("the last result was not read: ask for the next one again")
            return self._token(handle)

    def skip_damage(self) -> bool:
        """After Corruption: True if the next record is the one behind what cannot be read."""
        skipped = c_int32()
        with self._turn, self._using() as handle:
            if not self._shown:
                call("cursor_skip_damage", handle, byref(skipped))
        return skipped.value == 1


class Reads:
    """What a store and a snapshot can be asked. `_view()` gives the two handles that a call takes."""

    def _view(self) -> AbstractContextManager[tuple[c_void_p | None, c_void_p | None]]:
        raise NotImplementedError

    def _of_store(self) -> Store:
        raise NotImplementedError

    def __contains__(self, key: Key) -> bool:
        node, property = key_of(key)
        found = c_int32()
        with self._view() as view:
            call("contains", *view, node, property, byref(found))
        return found.value == 1

    def has_exceptions(self, node: int) -> bool:
        """Has the node any exception at all?"""
        found = c_int32()
        with self._view() as view:
            call("has_exceptions", *view, unsigned(node, "node"), byref(found))
        return found.value == 1

    def get(self, node: int, property: Property, default: _Default | None = None) -> Record | _Default | None:
        """The record, or `default`."""
        pointer = POINTER(native.Record)()
        with self._view() as view:
            call("retrieve_exception", *view, *key_of((node, property)), byref(pointer))
        return take(pointer, self._of_store()._name_of) if pointer else default

    def __getitem__(self, key: Key) -> Record:
        key_of(key)
        found: Record | None = self.get(*key)
        if found is None:
            raise KeyError(key)
        return found

    def get_many(self, keys: Iterable[Key]) -> list[Record | None]:
        """A list with the record, or None, for each (node, property); all of one version."""
        if not isinstance(keys, Iterable):
            raise TypeError("keys is an iterable of pairs (node, property): %r" % (keys,))
        wanted = [key_of(key) for key in keys]
        records = (POINTER(native.Record) * len(wanted))()
        with self._view() as view:
            call("bulk_retrieve", *view, (native.Key * len(wanted))(*(native.Key(*key) for key in wanted)), len(wanted), records)
        name_of = self._of_store()._name_of
        return [take(pointer, name_of) if pointer else None for pointer in records]

    def query(self, *, node: int | None = None, property: Property | None = None,
              source: Source | int | str | None = None, confidence: ConfidenceRange | None = None,
              time: TimeRange | None = None, order: str = "key", descending: bool = False,
              limit: int | None = None, resume: str | None = None, nodes: NodeRange | None = None) -> Cursor:
        """The records that meet all conditions.

        node, property, source   equal to it
        nodes, confidence, time  a pair (low, high), closed; None leaves an end open
        order, descending        "key", "confidence" or "time"
        limit, resume            at most so many; a resume_token to go on behind
        """
        keep: list[Any] = []
        query = query_of(keep, node, property, source, confidence, time, order, descending, limit, resume,
                         nodes)
        with self._view() as (_, snapshot):
            return Cursor(self._of_store(), snapshot, query)

    def __iter__(self) -> Cursor:
        return self.query()

    def count(self, **conditions: Any) -> int:
        """How many records query(...) would give."""
        number, keep = c_uint64(), []  # type: tuple[c_uint64, list[Any]]
        query = query_of(keep, **conditions)
        with self._view() as view:
            call("count", *view, query, byref(number))
        return number.value

    def explain(self, **conditions: Any) -> str:
        """How query(...) would run: lines for people."""
        return self._text("explain", conditions)

    def plan(self, **conditions: Any) -> dict[str, Any]:
        """The same as a dict."""
        plan: dict[str, Any] = json.loads(self._text("explain_json", conditions))
        return plan

    def _text(self, name: str, conditions: dict[str, Any]) -> str:
        text, keep = native.String(), []  # type: tuple[native.String, list[Any]]
        query = query_of(keep, **conditions)
        with self._view() as view:
            call(name, *view, query, byref(text))
        return native.take_text(text).decode()


class Snapshot(Handle, Reads):
    """One version of the store: later writes do not show."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "snapshot", store._native)

    @property
    def sequence(self) -> int:
        """Writes up to this number are in it."""
        with self._using() as handle:
            number: int = _lib.caveat_snapshot_sequence(handle)
        return number

    @contextmanager
    def _view(self) -> Iterator[tuple[c_void_p | None, c_void_p | None]]:
        with self._using() as handle:
            yield self._store._native, handle

    def _of_store(self) -> Store:
        return self._store
