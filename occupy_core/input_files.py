# SPDX-License-Identifier: GPL-3.0-or-later
"""Open input files: only regular files, which must not change while they are read. Standard library only."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import contextmanager
from contextvars import ContextVar
from io import FileIO
from typing import Callable, Dict, Iterable, Iterator, NamedTuple, Optional, Set, Type, Union

from occupy_core.errors import ChangedInputError, JobError, OccupyError
from occupy_core.files import MAX_TEXT_BYTES

PathLike = Union[str, "os.PathLike[str]"]

_CHUNK = 1 << 20  # bytes read at once for a checksum
_OTHER_KINDS = (
    *((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket")),
    *((stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device")),
)


class FileState(NamedTuple):
    """What tells one version of a file from another."""

    device: int
    inode: int
    size: int
    modified_ns: int


def require_regular_file(path: PathLike, *, expected: str, error: Type[OccupyError] = JobError) -> None:
    """Refuse a path that is no regular file or is empty; a pipe or a device would make the reader wait for ever.

    Inside `remember_inputs` or `unchanged_inputs`, the state of the file is remembered too.

    Parameters
    ----------
    path : path
    expected : str
        What the file should be, for the message: "a map in MRC or CCP4 format".
    error : type
        Class of the error.

    Raises
    ------
    OccupyError
        Of class `error`, if there is no such file, or the path is a folder, pipe, socket or device, or the file is
        empty, as files in /proc are.
    ChangedInputError
        If the file has changed since it was remembered.
    """
    name = os.fspath(path)
    try:
        status = os.stat(name)
    except (FileNotFoundError, NotADirectoryError):
        _notice(name)
        raise error(f"{name}: no such file, expected {expected}; check the path") from None
    except (OSError, ValueError) as problem:  # ValueError: a NUL character in the path
        reason = getattr(problem, "strerror", None) or problem
        raise error(f"{name}: cannot be opened ({reason}), expected {expected}; check the path") from problem
    kind = other_kind(status.st_mode)
    if kind is not None:
        way_out = "give a file in the folder" if kind == "a folder" else "give the path of a file"
        raise error(f"{name}: found {kind}, expected {expected}; {way_out}")
    _notice(name)
    if status.st_size == 0:
        raise error(f"{name}: found an empty file, expected {expected}; copy or write the file again")


def other_kind(mode: int) -> Optional[str]:
    """Return what a path with this `st_mode` leads to: "a folder", "a named pipe"; None for a regular file."""
    return next((kind for is_kind, kind in _OTHER_KINDS if is_kind(mode)), None)


def open_regular_file(path: PathLike, *, expected: str, error: Type[OccupyError] = JobError) -> FileIO:
    """Open a file for reading in binary mode, without buffer; parameters and errors as in `require_regular_file`."""
    require_regular_file(path, expected=expected, error=error)
    try:
        # O_NONBLOCK: a pipe that has taken the file's place meanwhile is not waited for.
        return open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0)
    except OSError as problem:
        is_limit = problem.errno in (errno.EMFILE, errno.ENFILE)
        way_out = "raise the limit, for example with: ulimit -n 1024" if is_limit else "check its permissions"
        raise error(
            f"{os.fspath(path)}: cannot be opened ({problem.strerror or problem}), expected {expected}; {way_out}"
        ) from problem


def read_input_text(path: PathLike, *, expected: str, error: Type[OccupyError] = JobError) -> str:
    """Return the content of a text file in UTF-8, with or without byte order mark.

    Parameters and errors as in `require_regular_file`; a file that is larger than `files.MAX_TEXT_BYTES` is refused.

    Raises
    ------
    UnicodeDecodeError
        If the file is no text in UTF-8.
    OSError
        If the file cannot be read to its end.
    """
    with open_regular_file(path, expected=expected, error=error) as file:
        refuse_larger(path, MAX_TEXT_BYTES, expected=expected, error=error)
        return file.read().decode("utf-8-sig")


def refuse_larger(path: PathLike, most: int, *, expected: str, error: Type[OccupyError] = JobError) -> None:
    """Raise an error of class `error` if a file has more than `most` bytes: reading it whole would fill the memory."""
    if os.path.getsize(path) > most:
        found = f"{os.fspath(path)}: has {os.path.getsize(path):,} bytes"
        raise error(f"{found}, expected {expected}, of at most {most:,} bytes; check the path")


def file_state(path: PathLike) -> Optional[FileState]:
    """Return the state of a file now; None if there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a NUL character in the path
        return None
    if stat.S_ISREG(status.st_mode):
        # A network file system asks its server again when a file is opened.
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ESTALE):
                return None
            # No permission, or no further file may be opened: the file is still there.
        else:
            status = os.fstat(handle)
            os.close(handle)
    return FileState(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def expect_checksums(paths: Iterable[PathLike]) -> None:
    """Let the end of `unchanged_inputs` judge files whose `checksum` will be computed inside the block."""
    memory = _memory.get()
    if memory is not None:
        memory.awaited.update(os.fspath(path) for path in paths)


def checksum(path: PathLike, is_cancelled: Callable[[], bool] = lambda: False) -> Optional[str]:
    """Return the SHA-256 of a file's content; None if the file cannot be read or the reading was cancelled.

    Inside `remember_inputs` or `unchanged_inputs`, it is remembered: a file that is only touched, or replaced by an
    equal copy, has not changed.
    """
    name, digest = os.fspath(path), hashlib.sha256()
    try:
        with open_regular_file(name, expected="an input") as file:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                digest.update(chunk)
                if is_cancelled():
                    return None
    except (OSError, OccupyError):
        return None
    memory = _memory.get()
    if memory is not None:
        memory.remember_checksum(name, digest.hexdigest())
    return digest.hexdigest()


class _Memory:
    """The states of files when they were first seen, by the path that they were opened with."""

    def __init__(self) -> None:
        self.states: Dict[str, Optional[FileState]] = {}
        self.checksums: Dict[str, str] = {}  # of the content in the first state
        self.awaited: Set[str] = set()  # files whose checksum may still come
        self.later: Dict[str, Dict[FileState, str]] = {}  # checksums of other states of the same size
        self.is_checked = False  # whether an outer block checks all files at its end

    def notice(self, name: str) -> None:
        """Remember a file; raise ChangedInputError if it has changed since it was remembered.

        If only its time or its identity has changed, the content decides: now, or in `check`.
        """
        state = file_state(name)
        first = self.states.setdefault(name, state)
        if first == state:
            return
        later = self.later.setdefault(name, {})
        is_known = name in self.checksums or name in self.awaited
        if is_known and state is not None and first is not None and state.size == first.size and state not in later:
            later[state] = self._checksum_of(name, state)
        if state not in later or later[state] != self.checksums.get(name, later[state]):
            raise ChangedInputError(_change_text(name, first, state))

    def check(self) -> None:
        """Raise ChangedInputError if a file has changed since it was remembered."""
        for name, first in list(self.states.items()):
            self.notice(name)
            for state, digest in self.later.get(name, {}).items():
                if digest != self.checksums.get(name):
                    raise ChangedInputError(_change_text(name, first, state))

    def remember_checksum(self, name: str, digest: str) -> None:
        """Remember the checksum of a file that was just read, if the file is in its first state."""
        if name in self.states and self.states[name] == file_state(name):
            self.checksums.setdefault(name, digest)

    def _checksum_of(self, name: str, state: FileState) -> str:
        """Return the checksum of a file in a state; empty if the file cannot be read in that state."""
        token = _memory.set(None)  # this reading remembers nothing
        try:
            digest = checksum(name)
        finally:
            _memory.reset(token)
        return digest if digest is not None and file_state(name) == state else ""


_memory: ContextVar[Optional[_Memory]] = ContextVar("memory of input files", default=None)


@contextmanager
def remember_inputs() -> Iterator[None]:
    """Remember the state of each file that the block opens; blocks of `unchanged_inputs` inside it compare with that.

    Used by a host that reads files before it starts the job. A block inside another one changes nothing.
    """
    if _memory.get() is not None:
        yield
        return
    token = _memory.set(_Memory())
    try:
        yield
    finally:
        _memory.reset(token)


@contextmanager
def unchanged_inputs(paths: Iterable[PathLike] = ()) -> Iterator[None]:
    """Check that no input file changes while the block runs.

    Compared are identity, size and time of modification: when a file is opened again, at the end of the block, and
    when the block fails, since a file that changes may be the cause. Where only time or identity differ, the content
    decides, if its `checksum` was computed before. A block inside another one leaves the end to that.

    Parameters
    ----------
    paths : sequence of paths
        Files that the block will read. Files that `require_regular_file` checks in this thread are added.

    Raises
    ------
    ChangedInputError
        If a file has changed, or has appeared or vanished.
    """
    with remember_inputs():
        memory = _memory.get()
        assert memory is not None  # `remember_inputs` sets it
        for path in paths:
            memory.notice(os.fspath(path))
        if memory.is_checked:
            yield
            return
        memory.is_checked = True
        try:
            yield
        except ChangedInputError:
            raise
        except Exception as error:
            try:
                memory.check()
            except ChangedInputError as change:
                raise change from error
            raise
        else:
            memory.check()
        finally:
            memory.is_checked = False


def _notice(name: str) -> None:
    memory = _memory.get()
    if memory is not None:
        memory.notice(name)


def _change_text(name: str, before: Optional[FileState], after: Optional[FileState]) -> str:
    """Return the message that a file has changed from one state to another."""
    if after is None:
        change = "removed"
    elif before is None:
        change = "written"
    elif before.size != after.size:
        change = f"changed from {before.size} to {after.size} bytes"
    elif before[:2] != after[:2]:
        change = "replaced by another file"
    else:
        change = "changed"
    return (
        f"{name}: was {change} while the job read it, expected one version from start to end; run again when it is "
        "complete"
    )
