"""Stores, and batches of writes."""
import atexit
import json
import logging
import time
import weakref
from contextlib import contextmanager, nullcontext
from ctypes import byref, c_char_p, c_int32, c_size_t, c_uint64, c_void_p, cast, memmove, sizeof

from . import _native as native
from ._reading import Reads, Snapshot
from ._records import Record, Source, call, fill, filled, hash_of, take, unsigned

_lib = native.library
_DURABILITY = {None: 0, "none": 1, "wal": 2, "fsync": 3}
_COMPRESSION = {None: 0, "none": 1, "lz4": 2, "zstd": 3}


def _record(node, property, actual, inherited, reason, source, created_at, confidence):
    moment = time.time_ns() if created_at is None else created_at
    return Record(node, property, inherited, actual, reason, source, moment, confidence)


class _Writes:
    """What a store and a batch have in common."""

    def put(self, node, property, actual, inherited=None, *, reason="", source=Source.EXPLICIT,
            created_at=None, confidence=1.0):
        """Stores an exception, or replaces the one that is there. `created_at`: now, if not given."""
        self.put_record(
            _record(node, property, actual, inherited, reason, source, created_at, confidence))


class Batch(_Writes):
    """Writes that are made together or not at all: when the `with` block ends, unless it fails.

    In order, so that of several writes of one key the last counts. For one thread at a time.
    """

    def __init__(self, store, durability):
        self._store, self._durability, self._handle = store, durability, c_void_p()
        call("batch_create", byref(self._handle))

    def put_record(self, record):
        self._store._name(record.property)
        call("batch_store_exception", self._handle, filled(record, []))

    def remove(self, node, property):
        call("batch_remove_exception", self._handle, unsigned(node), unsigned(hash_of(property)))

    def clear_node(self, node):
        call("batch_clear_node", self._handle, unsigned(node))

    def clear_property(self, property):
        call("batch_clear_property", self._handle, unsigned(hash_of(property)))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            call("write", self._store._native, self._handle, _DURABILITY[self._durability])
        self.__del__()

    def __del__(self):
        handle, self._handle = self._handle, c_void_p()
        _lib.caveat_batch_release(handle)


class Store(Reads, _Writes):
    """Made by caveat.open and caveat.volatile."""

    def __init__(self, path, options):
        self._children, self._named, self._closed = weakref.WeakSet(), set(), False
        self._native, self._keep = None, []
        made = c_void_p()
        if path is None:
            call("open_volatile", byref(self._options(**options)), byref(made))
        else:
            call("open", native.path_bytes(path), byref(self._options(**options)), byref(made))
        self._native = made
        _open_stores.add(self)

    def _options(self, create=True, exclusive=False, background=True, durability=None,
                 memory_budget=0, cache_bytes=0, delta_bytes=0, compression=None,
                 compression_level=0, optimize_compression_level=0, partition_records=0,
                 partition_bytes=0, dictionary_bytes=None, codecs=None, on_error=None, log=None,
                 metrics_file=None, metrics_interval_ms=0, keys=None,
                 encrypt=False):
        options = native.Options(
            size=sizeof(native.Options), flags=(not create) + 2 * exclusive + 4 * (not background) + 8 * encrypt,
            durability=_DURABILITY[durability], memory_budget_bytes=memory_budget,
            cache_bytes=cache_bytes, delta_bytes=delta_bytes, compression_level=compression_level,
            optimize_compression_level=optimize_compression_level,
            partition_records=partition_records, partition_bytes=partition_bytes,
            dictionary_bytes={None: 0, 0: -1}.get(dictionary_bytes, dictionary_bytes),
            keys=None if keys is None else "".join(
                "%d:%s\n" % (number, key.hex()) for number, key in keys.items()).encode())
        if isinstance(compression, int):
            options.compression, options.custom_codec_id = 4, compression
        else:
            options.compression = _COMPRESSION[compression]
        codecs = codecs or {}
        options.codecs = (native.Codec * len(codecs))(*map(self._codec, codecs.items()))
        options.codec_count = len(codecs)
        if on_error is not None:
            options.on_background_error = self._kept(native.LISTENER(_listener(on_error)))
        logger = logging.getLogger("caveat") if log is None else log
        if logger:
            options.log = self._kept(native.LOG(_log(logger)))
            options.log_least = sum(logger.getEffectiveLevel() > level for level in _LEVELS[:3])
        if metrics_file is not None:
            options.metrics_file = native.path_bytes(metrics_file)
            options.metrics_interval_ms = metrics_interval_ms
        return options

    def _kept(self, thing):
        """What the library calls must live as long as the store."""
        self._keep.append(thing)
        return thing

    def _codec(self, item):
        number, codec = item

        def compress(_, raw, dictionary, out, capacity, written):
            made = codec.compress(raw.bytes(), dictionary.bytes())
            if len(made) <= capacity:
                memmove(out, made, len(made))
            written[0] = len(made)
            return 0

        def decompress(_, stored, dictionary, out, size):
            made = codec.decompress(stored.bytes(), dictionary.bytes(), size)
            memmove(out, made, min(size, len(made)))
            return len(made) != size

        name = getattr(codec, "name", type(codec).__name__).encode()
        return native.Codec(size=sizeof(native.Codec), id=number, name=name,
                            uses_dictionary=bool(getattr(codec, "uses_dictionary", False)),
                            compress=self._kept(native.COMPRESS(_guarded(compress))),
                            decompress=self._kept(native.DECOMPRESS(_guarded(decompress))))

    # --- Opening and closing ---------------------------------------------------------------------

    @property
    def closed(self):
        return self._closed

    def close(self):
        """Closes the store's cursors and snapshots, then the store: folds what is pending and
        releases the files. Again: does nothing."""
        for child in list(self._children):
            child.close()
        call("close", self._native)
        self._closed = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        # Not in close(): another thread may be in a call.
        if getattr(self, "_native", None):
            _lib.caveat_store_release(self._native)

    def _view(self):
        return nullcontext((self._native, None))

    def _of_store(self):
        return self

    def snapshot(self):
        """One version of the store, for several reads."""
        return Snapshot(self)

    # --- Property names --------------------------------------------------------------------------

    def register(self, name):
        """Makes a name known, and returns its hash. Done by every write under a name."""
        data, number = name.encode(), c_uint64()
        call("register_property", self._native, data, len(data), byref(number))
        self._named.add(name)
        return number.value

    def _name(self, property):
        if isinstance(property, str) and property not in self._named:
            self.register(property)

    def property_name(self, property):
        """The name behind a hash, or None."""
        text = native.String()
        call("property_name", self._native, unsigned(property), byref(text))
        return native.take_text(text).decode(errors="replace") if text.data else None

    # --- Writing ---------------------------------------------------------------------------------

    def put_record(self, record, durability=None):
        """Stores a record, or replaces the one that is there."""
        self._name(record.property)
        call("store_exception", self._native, filled(record, []), _DURABILITY[durability])

    def put_many(self, records, durability=None, chunk=10000):
        """Stores any number of records out of an iterable, `chunk` of them at a time; returns how many.
        A chunk of at most 65,536 is stored whole or not at all; where one fails, those before stay."""
        count, some = 0, []
        for record in records:
            some.append(record)
            if len(some) == chunk:
                count += self._put_chunk(some, durability)
                some = []
        return count + (self._put_chunk(some, durability) if some else 0)

    def _put_chunk(self, records, durability):
        array, keep = (native.Record * len(records))(), []
        for place, record in zip(array, records):
            self._name(record.property)
            fill(place, record, keep)
        call("bulk_store", self._native, array, len(records), _DURABILITY[durability], None)
        return len(records)

    def exchange(self, record, durability=None):
        """Stores a record, and returns the one that was there, or None."""
        self._name(record.property)
        was = native.POINTER(native.Record)()
        call("exchange_exception", self._native, filled(record, []), _DURABILITY[durability], byref(was))
        return take(was) if was else None

    def remove(self, node, property, durability=None):
        """Removes what is there, if anything."""
        call("remove_exception", self._native, unsigned(node), unsigned(hash_of(property)),
             _DURABILITY[durability])

    def __delitem__(self, key):
        if self.take(*key) is None:
            raise KeyError(key)

    def take(self, node, property, durability=None):
        """Removes the record, and returns it; None where there is none."""
        was = native.POINTER(native.Record)()
        call("take_exception", self._native, unsigned(node), unsigned(hash_of(property)),
             _DURABILITY[durability], byref(was))
        return take(was) if was else None

    def compare_and_set(self, node, property, expected, desired, durability=None):
        """Writes `desired` (None: removes) if what is there equals `expected` (None: nothing is there).
        True if it did. Of records only what is not the key counts."""
        swapped, keep = c_int32(), []
        self._name(property)
        call("compare_and_set", self._native, unsigned(node), unsigned(hash_of(property)),
             filled(expected, keep), filled(desired, keep), _DURABILITY[durability], byref(swapped))
        return swapped.value == 1

    def batch(self, durability=None):
        """Writes that are made together, at the end of a `with` block."""
        return Batch(self, durability)

    def clear_node(self, node, durability=None):
        """Removes everything of a node: one short write, whatever it covers."""
        call("clear_node", self._native, unsigned(node), _DURABILITY[durability])

    def clear_property(self, property, durability=None):
        call("clear_property", self._native, unsigned(hash_of(property)), _DURABILITY[durability])

    def flush(self):
        """All that was written is on the device when this returns."""
        call("flush", self._native)

    # --- Maintenance -----------------------------------------------------------------------------
    # progress(stage, done, total) is called now and then; where it returns False the operation ends
    # with Cancelled, and what it raises is raised here.

    def optimize(self, progress=None):
        """Rewrites what is worth it. What was done, as a dict."""
        return self._long("optimize_storage", progress, native.Optimization(), lambda r: byref(r))

    def compact(self, progress=None):
        """Gives space back to the file system. What was done, as a dict."""
        return self._long("compact_storage", progress, native.Compaction(), lambda r: byref(r))

    def rebuild_indexes(self, progress=None):
        with _progress(progress) as told:
            call("rebuild_indexes", self._native, told, None)

    def verify(self, progress=None):
        """Reads everything. A dict: "sound" is True, or "errors" says what is wrong."""
        text = native.String()
        with _progress(progress) as told:
            call("verify", self._native, told, None, None, byref(text))
        return json.loads(native.take_text(text))

    def backup(self, directory, keep=0, check=True, progress=None):
        """Adds a backup to the directory, while the store is used: a dict with its "id". `keep`: how many
        to leave; `check`: read it back first. caveat.Backups is for what comes afterwards."""
        made = native.Backup(size=sizeof(native.Backup))
        with _progress(progress) as told:
            call("create_backup", self._native, native.path_bytes(directory), keep, check, told, None, byref(made))
        return made.as_dict()

    def _long(self, name, progress, results, pointer):
        results.size = sizeof(results)
        with _progress(progress) as told:
            call(name, self._native, told, None, pointer(results))
        return results.as_dict()

    def statistics(self, exact=False):
        """A dict with the names of caveat/statistics.h. `exact` folds what is pending, and counts."""
        text = native.String()
        call("statistics_json", self._native, int(exact), byref(text))
        return json.loads(native.take_text(text))

    def metrics(self):
        """Text for Prometheus: docs/operating.md says what it tells."""
        text = native.String()
        call("metrics", self._native, byref(text))
        return native.take_text(text).decode()


class Backups:
    """The backups in a directory, which Store.backup has made. An id of None is the newest one."""

    def __init__(self, directory):
        self._directory = native.path_bytes(directory)

    def __iter__(self):
        """A dict for each, oldest first: its figures, or "error", why it cannot be used."""
        text = native.String()
        call("list_backups", self._directory, byref(text))
        return iter(json.loads(native.take_text(text))["backups"])

    def verify(self, id=None, records=False, progress=None):
        """Reads all of its files. `records`: opens it as a store too, and checks every record."""
        found = native.Backup(size=sizeof(native.Backup))
        with _progress(progress) as told:
            call("verify_backup", self._directory, id or 0, records, told, None, byref(found))
        return found.as_dict()

    def restore(self, target, id=None, replace=False, progress=None):
        """Makes the store `target` of it. `replace`: in place of one that is there, and is not open."""
        restored = native.Backup(size=sizeof(native.Backup))
        with _progress(progress) as told:
            call("restore_backup", self._directory, id or 0, native.path_bytes(target), replace, told, None,
                 byref(restored))
        return restored.as_dict()

    def delete(self, id):
        call("delete_backup", self._directory, unsigned(id))

    def keep_newest(self, count):
        """Deletes all others; returns how many."""
        deleted = c_uint64()
        call("keep_newest_backups", self._directory, unsigned(count), byref(deleted))
        return deleted.value


def _listener(on_error):
    def listen(_, code, message):
        try:
            on_error(_lib.caveat_code_name(code).decode(), message.decode(errors="replace"))
        except Exception:
            logging.getLogger("caveat").exception("on_error failed")
    return listen


_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)


def _log(logger):
    """Events as records of a logger; their names and fields are in the attribute `caveat`."""
    def log(_, pointer):
        try:
            event = pointer.contents
            fields = {native.get_string(field.key): native.get_value(field.value)
                      for field in event.fields[:event.field_count]}
            fields.update(component=native.get_string(event.component),
                          event=native.get_string(event.event))
            logger.log(_LEVELS[event.severity], "%s", native.get_string(event.message),
                       extra={"caveat": fields})
        except Exception:
            pass  # a handler's mistake must not get into the store
    return log


# The library's threads call into Python: no store may be open when the interpreter goes.
_open_stores = weakref.WeakSet()


@atexit.register
def _close_all():
    for store in list(_open_stores):
        try:
            store.close()
        except Exception:
            logging.getLogger("caveat").exception("a store could not be closed at the end")


def _guarded(function):
    """A codec's exception is logged, and an error of the store's."""
    def guarded(*arguments):
        try:
            return int(function(*arguments))
        except Exception:
            logging.getLogger("caveat").exception("a codec failed")
            return 1
    return guarded


@contextmanager
def _progress(report):
    """What the library calls; an exception of `report` is raised when the library has returned."""
    raised = []

    def told(_, stage, done, total):
        try:
            return report(stage.decode(), done, total) is False
        except BaseException as error:
            raised.append(error)
            return 1
    try:
        yield native.PROGRESS() if report is None else native.PROGRESS(told)
    finally:
        if raised:
            raise raised[0]
