"""A power cut, simulated: what may be found on the disk if the power went after any step of a tape.

`Disk` replays what tests/world/tape.py has recorded. What it takes for granted:

- Synced is kept: `xSync` keeps the content and the length of that file, and nothing of any other.
- Everything since then is in doubt, each step for itself: a write is kept, lost, or torn at the 512-byte
  sectors of the file; a truncation is kept or lost. Files are independent of each other. Reordering is in
  this: what order does to a sector is which of the writes to it came last, and any of them may be the last kept.
- A file may have grown though its data never arrived: such a sector holds zeros or rubbish. A sector that
  nobody wrote to does not change (SQLite's POWERSAFE_OVERWRITE, which its unix VFS assumes too).
- A name is in the folder, not in the file: creating, deleting and renaming are in doubt until the folder is
  synced, so a journal that was deleted can come back. A rename happens or does not. The folder is synced by
  `xDelete` with its flag, by `fsync` of it, and by the first sync of a journal or WAL after it was opened: SQLite's
  unix VFS does this below the calls seen here (`unixSync`, UNIXFILE_DIRSYNC; strace shows it).
- The shared memory of WAL is not on the disk: rubbish is found there.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from world.tape import Change, Names, Step, Sync

SECTOR = 512


class Disk:
    """What is certain and what is in doubt, as far as the tape has been replayed."""

    def __init__(self, start: dict[str, bytes]) -> None:
        self._content = {number: bytearray(data) for number, data in enumerate(start.values())}
        self._changes: dict[int, list[Change]] = {number: [] for number in self._content}
        self._folder: dict[str, int | None] = {name: number for number, name in enumerate(start)}
        self._names: list[Names] = []

    def replay(self, step: Step) -> None:
        """Go one step on."""
        if isinstance(step, Change):
            self._changes.setdefault(step.file, []).append(step)
        elif isinstance(step, Names):
            self._names.append(step)
        elif isinstance(step, Sync):
            self._keep(step)

    def _keep(self, sync: Sync) -> None:
        if sync.file is not None:
            for change in self._changes.pop(sync.file, []):
                _put(self._content.setdefault(sync.file, bytearray()), change.offset, change.data)
        if sync.folder:
            for names in self._names:
                self._folder |= names.files
            self._names = []

    def names(self) -> dict[str, int]:
        """Which file each name means to whoever uses the folder now."""
        folder = dict(self._folder)
        for names in self._names:
            folder |= names.files
        return {name: file for name, file in folder.items() if file is not None}

    def live(self) -> dict[str, bytes]:
        """The files as a program sees them now, if another was killed: nothing is lost with it."""
        return {name: self._found(file, 1.0, Random()) for name, file in self.names().items()}

    def cut(self, random: Random) -> dict[str, bytes]:
        """The files as they might be found if the power went now."""
        chance = random.choice((0.0, 0.1, 0.5, 0.9, 1.0))  # of each doubtful step: to be kept
        folder = dict(self._folder)
        for names in self._names:
            if random.random() < chance:
                folder |= names.files
        found = {name: self._found(file, chance, random) for name, file in folder.items() if file is not None}
        shared = {f"{name[:-4]}-shm": random.randbytes(32768) for name in found if name.endswith("-wal")}
        return found | shared

    def _found(self, file: int, chance: float, random: Random) -> bytes:
        content = bytearray(self._content.get(file, b""))
        for change in self._changes.get(file, []):
            torn = random.random() < 0.5
            kept = chance if torn else float(random.random() < chance)
            for offset, data in _sectors(change):
                if random.random() < kept:
                    _put(content, offset, data)
                elif data and offset >= len(content) and random.random() < chance / 2:
                    _put(content, offset, random.randbytes(len(data)))
        return bytes(content)


def _put(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data or b"")] = data or b""


def _sectors(change: Change) -> Iterator[tuple[int, bytes | None]]:
    if change.data is None:
        yield change.offset, None
        return
    start, end = change.offset, change.offset + len(change.data)
    while start < end:
        after = min(end, (start // SECTOR + 1) * SECTOR)
        yield start, change.data[start - change.offset : after - change.offset]
        start = after
