"""The options of open(), and what the library calls of them: codecs, loggers, keys."""
from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from ctypes import byref, c_char, memmove, pointer, sizeof
from typing import Any, Protocol, Union

from . import _native as native
from ._errors import InvalidArgument, IoError, KeyMissing
from ._records import flag, integer, one_of, unsigned

_lib = native.shared_object
_DURABILITY = {None: 0, "none": 1, "wal": 2, "fsync": 3}
_COMPRESSION = {None: 0, "none": 1, "lz4": 2, "zstd": 3}
_KEY_BYTES = 32

# Keys by their number: the ones there are, or a function that fetches one.
Keys = Union[Mapping[int, bytes], Callable[[int], Union[bytes, None]]]
Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]


def _signed(number: int, what: str) -> int:
    number = integer(number, what)
    if not -2**31 <= number < 2**31:
        raise OverflowError("%s is of 32 bits: %d" % (what, number))
    return number


def durability_of(given: str | None) -> int:
    return one_of("durability", given, _DURABILITY)


class Codec(Protocol):
    """A compressor of the host's."""

    def compress(self, raw: bytes, dictionary: bytes) -> bytes:
        """Anything; where it is not smaller, the bytes are kept as they are."""

    def decompress(self, stored: bytes, dictionary: bytes, size: int) -> bytes:
        """What was compressed, of `size` bytes."""


class OpenOptions:
    """Options for one call of the library, and what of them has to live on."""

    def __init__(self, create: bool = True, exclusive: bool = False, background: bool = True,
                 durability: str | None = None, memory_budget: int = 0, cache_bytes: int = 0,
                 delta_bytes: int = 0, compression: str | int | None = None, compression_level: int = 0,
                 optimize_compression_level: int = 0, partition_records: int = 0, partition_bytes: int = 0,
                 dictionary_bytes: int | None = None, codecs: Mapping[int, Codec] | None = None,
                 on_error: Callable[[str, str], object] | None = None,
                 log: logging.Logger | logging.LoggerAdapter[Any] | bool | None = None,
                 metrics_file: Path | None = None, metrics_interval_ms: int = 0,
                 keys: Keys | None = None, current_key: int | None = None, encrypt: bool = False) -> None:
        flags = (not flag("create", create)) + 2 * flag("exclusive", exclusive) \
            + 4 * (not flag("background", background)) + 8 * flag("encrypt", encrypt)
        if on_error is not None and not callable(on_error):
            raise TypeError("on_error is a function of (kind, sentence): %r" % (on_error,))
        self.keep: list[Any] = []  # what the library calls must live as long as the store
        self._raised: list[BaseException] = []
        options = self._options = native.Options(
            size=sizeof(native.Options), flags=flags, durability=durability_of(durability),
            memory_budget_bytes=unsigned(memory_budget, "memory_budget"),
            cache_bytes=unsigned(cache_bytes, "cache_bytes"), delta_bytes=unsigned(delta_bytes, "delta_bytes"),
            compression_level=_signed(compression_level, "compression_level"),
            optimize_compression_level=_signed(optimize_compression_level, "optimize_compression_level"),
            partition_records=unsigned(partition_records, "partition_records"),
            partition_bytes=unsigned(partition_bytes, "partition_bytes"),
            dictionary_bytes=0 if dictionary_bytes is None else unsigned(dictionary_bytes, "dictionary_bytes", 63) or -1,
            metrics_interval_ms=unsigned(metrics_interval_ms, "metrics_interval_ms", 32))
        if isinstance(compression, int) and not isinstance(compression, bool):
            options.compression, options.custom_codec_id = 4, unsigned(compression, "compression", 32)
        else:
            options.compression = one_of("compression", compression, _COMPRESSION)
        given = {} if codecs is None else codecs
        if not isinstance(given, Mapping):
            raise TypeError("codecs is a mapping from numbers to codecs: %r" % (codecs,))
        options.codecs = (native.Codec * len(given))(*(self._codec(*item) for item in given.items()))
        options.codec_count = len(given)
        if on_error is not None:
            options.on_background_error = self._kept(native.LISTENER(_listener(on_error)))
        logger = logging.getLogger("caveat") if log is None or log is True else log
        if logger is not False:
            if not callable(getattr(logger, "getEffectiveLevel", None)) or not callable(getattr(logger, "log", None)):
                raise TypeError("log is a logger of module logging, or True or False: %r" % (log,))
            options.log = self._kept(native.LOG(_log(logger)))
            options.log_least = sum(logger.getEffectiveLevel() > level for level in _LEVELS[:3])
        if metrics_file is not None:
            options.metrics_file = native.path_bytes(metrics_file)
        if current_key is not None:
            unsigned(current_key, "current_key", 32)
            if keys is None:
                raise ValueError("current_key is the number of one of keys, which are not given")
        if keys is not None:
            options.key_provider = pointer(_provider(keys, current_key, self._raised))

    def __enter__(self) -> Any:
        return byref(self._options)

    def __exit__(self, *_: object) -> None:
        """What a function that fetches keys has raised is raised here."""
        if self._raised:
            raise self._raised[0]

    def _kept(self, thing: Any) -> Any:
        self.keep.append(thing)
        return thing

    def _codec(self, number: int, codec: Codec) -> native.Codec:
        unsigned(number, "the number of a codec", 32)
        for name in ("compress", "decompress"):
            if not callable(getattr(codec, name, None)):
                raise TypeError("a codec has %s(): %r" % (name, codec))

        def compress(_, raw, dictionary, out, capacity, written):  # type: ignore[no-untyped-def]
            made = codec.compress(raw.bytes(), dictionary.bytes())
            if len(made) <= capacity:
                memmove(out, made, len(made))
            written[0] = len(made)
            return 0

        def decompress(_, stored, dictionary, out, size):  # type: ignore[no-untyped-def]
            made = codec.decompress(stored.bytes(), dictionary.bytes(), size)
            memmove(out, made, min(size, len(made)))
            return len(made) != size

        name = getattr(codec, "name", type(codec).__name__).encode()
        return native.Codec(size=sizeof(native.Codec), id=number, name=name,
                            uses_dictionary=bool(getattr(codec, "uses_dictionary", False)),
                            compress=self._kept(native.COMPRESS(_guarded(compress))),
                            decompress=self._kept(native.DECOMPRESS(_guarded(decompress))))


def _provider(keys: Keys, current: int | None, raised: list[BaseException]) -> native.KeyProvider:
    """The keys as the library asks for them; what `keys` raises, but KeyError, goes to `raised`."""
    find: Callable[[int], bytes | None]
    if isinstance(keys, Mapping):
        for number in keys:
            unsigned(number, "the number of a key", 32)
        find = keys.__getitem__
        if current is None:
            current = (list(keys) or [0])[-1]
    elif not callable(keys):
        raise TypeError("keys is a mapping from numbers to keys, or a function from a number to a key: %r" % (keys,))
    elif current is None:
        raise ValueError("keys is a function: current_key says which one new values are under")
    else:
        find = keys

    def key(_, number, out, why, why_bytes):  # type: ignore[no-untyped-def]
        try:
            found = find(number)
            if found is not None and not isinstance(found, (bytes, bytearray, memoryview)):
                # Without its bytes: what is no key may hold one.
                raise TypeError("key %d is of %s, and not of bytes" % (number, type(found).__name__))
        except KeyError:
            found = None
        except BaseException as error:
            raised.append(error)
            return IoError.code
        if found is None:
            return KeyMissing.code
        found = bytes(found)
        if len(found) != _KEY_BYTES:
            said = b"a key has %d bytes, and this one %d" % (_KEY_BYTES, len(found))
            (c_char * why_bytes).from_address(why).value = said
            return InvalidArgument.code
        memmove(out, found, _KEY_BYTES)
        return 0
    return native.KeyProvider(size=sizeof(native.KeyProvider), current=current, key=native.KEY(key))


def _listener(on_error: Callable[[str, str], object]) -> Any:
    def listen(_, code, message):  # type: ignore[no-untyped-def]
        try:
            on_error(_lib.caveat_code_name(code).decode(), message.decode(errors="replace"))
        except Exception:
            logging.getLogger("caveat").exception("on_error failed")
    return listen


_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)


def _log(logger: Any) -> Any:
    """Events as records of a logger; their names and fields are in the attribute `caveat`."""
    def log(_, pointer):  # type: ignore[no-untyped-def]
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


def _guarded(function: Any) -> Any:
    """A codec's exception is logged, and an error of the store's."""
    def guarded(*arguments: Any) -> int:
        try:
            return int(function(*arguments))
        except Exception:
            logging.getLogger("caveat").exception("a codec failed")
            return 1
    return guarded
