"""What a call of the library says when it fails: a class for each kind."""
from __future__ import annotations

from ctypes import byref, c_void_p
from typing import Any

from . import _native as native

_lib = native.shared_object


class Error(Exception):
    """What a call of caveat says: `code` is its number, str() a sentence."""
    code = 0


class InvalidArgument(Error, ValueError):
    """The arguments break a rule; correct them."""
    code = 1


class NotFound(Error, LookupError):
    """What the caller names (path, codec) is not there."""
    code = 2


class AlreadyExists(Error):
    """What is to be made is there already."""
    code = 3


class HashCollision(Error):
    """Two property names have one hash; rename one."""
    code = 4


class LimitExceeded(Error, ValueError):
    """Too long, too deep or too many; the message names the limit."""
    code = 5


class Corruption(Error):
    """Stored bytes fail a check; the message names them."""
    code = 6


class CodecMissing(Error):
    """A block's codec is not registered; give it and open again."""
    code = 7


class UnsupportedFormat(Error):
    """Written by a newer version, or no caveat store."""
    code = 8


class Locked(Error):
    """Another process has the store open."""
    code = 9


class IoError(Error):
    """The file system said no; mend it and repeat."""
    code = 10


class NoSpace(Error):
    """The disk is full; reads go on."""
    code = 11


class ReadOnly(Error):
    """The store can only be read."""
    code = 12


class Busy(Error):
    """In use, or a stall; repeat."""
    code = 13


class Cancelled(Error):
    """The progress callback asked to stop."""
    code = 14


class Closed(Error):
    """The store, the cursor or the snapshot was closed."""
    code = 15


class Internal(Error):
    """A bug in caveat; please report the message."""
    code = 16


class KeyMissing(Error):
    """Encrypted with a key that was not given; give it and open again."""
    code = 17


class WrongKey(Error):
    """Another key under the right id; find the right one."""
    code = 18


class OutOfMemory(Error, MemoryError):
    """The call did nothing; give memory free and repeat."""
    code = 255


KINDS: dict[int, type[Error]] = {kind.code: kind for kind in Error.__subclasses__()}


def call(name: str, *arguments: Any) -> None:
    """A call that can fail."""
    error = c_void_p()
    code = getattr(_lib, "caveat_" + name)(*arguments, byref(error))
    if code == 0:
        return
    message = _lib.caveat_error_message(error).decode(errors="replace")
    _lib.caveat_error_free(error)
    raise KINDS.get(code, Error)(message)
