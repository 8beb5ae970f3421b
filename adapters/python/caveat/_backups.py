"""Backups of stores, and the progress of long operations."""
from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import byref, c_uint64, sizeof
from typing import Any, Union

from . import _native as native
from ._errors import call
from ._options import Keys, OpenOptions, Path
from ._records import flag, unsigned

# Called now and then with (stage, done, total); False ends the operation with Cancelled.
Progress = Callable[[str, int, int], Union[bool, None, object]]


@contextmanager
def progress_of(report: Progress | None) -> Iterator[Any]:
    """What the library calls; an exception of `report` is raised when the library has returned."""
    if report is None:
        yield native.NO_PROGRESS
        return
    if not callable(report):
        raise TypeError("progress is a function of (stage, done, total): %r" % (report,))
    ask, raised = report, []  # type: tuple[Progress, list[BaseException]]

    def told(_, stage, done, total):  # type: ignore[no-untyped-def]
        try:
            return ask(stage.decode(), done, total) is False
        except BaseException as error:
            raised.append(error)
            return 1
    try:
        yield native.PROGRESS(told)
    finally:
        if raised:
            raise raised[0]


def _number_of(id: int | None) -> int:
    """As the library has it, for which 0 is the newest one."""
    return 0 if id is None else unsigned(id, "id")


class Backups:
    """The backups in a directory, which Store.backup has made. An id of None is the newest one."""

    def __init__(self, directory: Path) -> None:
        self._directory = native.path_bytes(directory)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """A dict for each, oldest first: its figures, or "error", why it cannot be used."""
        text = native.String()
        call("list_backups", self._directory, byref(text))
        return iter(json.loads(native.take_text(text))["backups"])

    def verify(self, id: int | None = None, records: bool = False, progress: Progress | None = None,
               keys: Keys | None = None, current_key: int | None = None) -> dict[str, int]:
        """Reads all of its files. `records`: opens it as a store too, and checks every record, which of a
        store that was encrypted takes its keys (`keys` implies `records`)."""
        number, records = _number_of(id), flag("records", records)
        if keys is None and current_key is not None:
            raise ValueError("current_key is the number of one of keys, which are not given")
        found = native.Backup(size=sizeof(native.Backup))
        with progress_of(progress) as told:
            if keys is None:
                call("verify_backup", self._directory, number, records, told, None, byref(found))
            else:
                with OpenOptions(log=False, keys=keys, current_key=current_key) as options:
                    call("verify_backup_with_keys", self._directory, number, options, told, None, byref(found))
        return found.as_dict()

    def restore(self, target: Path, id: int | None = None, replace: bool = False,
                progress: Progress | None = None) -> dict[str, int]:
        """Makes the store `target` of it. `replace`: in place of one that is there, and is not open."""
        restored = native.Backup(size=sizeof(native.Backup))
        with progress_of(progress) as told:
            call("restore_backup", self._directory, _number_of(id), native.path_bytes(target),
                 flag("replace", replace), told, None, byref(restored))
        return restored.as_dict()

    def delete(self, id: int) -> None:
        """Deletes one, be it damaged, and the files that no other needs."""
        call("delete_backup", self._directory, unsigned(id, "id"))

    def keep_newest(self, count: int) -> int:
        """Deletes all others; returns how many."""
        deleted = c_uint64()
        call("keep_newest_backups", self._directory, unsigned(count, "count"), byref(deleted))
        return deleted.value
