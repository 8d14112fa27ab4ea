# SPDX-License-Identifier: GPL-3.0-or-later
"""The output folder of a job: one job at a time, and whole files of one job when it ends. Standard library only."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Optional, Type

from occupy_core.errors import JobError
from occupy_core.job.claim import claim, withdraw, withdraw_all
from occupy_core.job.placing import settle, settle_all, staging_of


class OutputFolder:
    """The output folder of a job, locked against other jobs while the block runs.

    A child process that inherits the object by a fork shares the lock, which ends with the last of these processes.
    Where a file system has no locks, a file in the folder, the job's claim, keeps others out (`claim.claim`). When the
    block begins and when it ends, an unfinished move of files is undone (`placing.settle`).

    Parameters
    ----------
    path : str
        Made if it does not exist. A link to a folder is followed.

    Raises
    ------
    JobError
        At the start of the block, if another job is running in the folder or it cannot be used; at its end, if files of
        the last job cannot be put back.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.has_locks = True
        self._given, self._handle = path, -1
        self._claim: Optional[Path] = None

    def lock(self) -> None:
        """Make and lock the folder, and undo an unfinished move; lock it again if it was removed or replaced.

        Raises
        ------
        JobError
            If another job is running in the folder.
        OSError
            If the folder cannot be made or opened, or files cannot be put back.
        """
        if self._is_locked():
            return
        self.unlock()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise NotADirectoryError(errno.ENOTDIR, "a file has its name, or that of a folder above it") from error
        self._handle = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_free = False
        except OSError:  # a file system without locks
            self.has_locks = False
            self._claim = claim(self.path)
            is_free = self._claim is not None
        else:
            is_free = True
            withdraw_all(self.path)
            settle_all(self.path)
        if not is_free:
            self.unlock()
            raise JobError(f"{self._given}: another job is running in this output folder; wait, or choose another")

    def unlock(self) -> None:
        """Let other jobs use the folder."""
        if self._claim is not None:
            withdraw([self._claim])
        self._claim = None
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1

    def finish(self, process: int) -> bool:
        """Remove the staging folder of a process that ended; return whether it had put all its files in place.

        Raises
        ------
        OSError
            If files of the last job cannot be put back.
        """
        return settle(staging_of(self.path, process))

    def _is_locked(self) -> bool:
        """Return whether the folder of this name is the one that is locked."""
        if self._handle < 0:
            return False
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._handle))
        except FileNotFoundError:
            return False

    def __enter__(self) -> OutputFolder:
        try:
            self.lock()
        except OSError as error:
            self.unlock()
            raise JobError(
                f"{self._given}: cannot write to this output folder ({error.strerror or error}); choose another, or "
                "change its permissions"
            ) from error
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        try:
            self.finish(os.getpid())
        except OSError as failure:
            raise JobError(
                f"{self._given}: the files of the last job cannot be put back ({failure.strerror or failure}); the "
                "next job in this folder puts them back"
            ) from (error or failure)
        finally:
            self.unlock()
