"""The files of an agency's home: made whole or not at all, and read with an error that says what to restore.

home/agency.json      who this is          home/ledger/YEAR.db   the record
home/card.cbor        its public card      home/vault.db         what must be forgettable
home/keys/            its two key files    home/trust/           the cards it believes
home/outbox/          receipts and checkpoints for partners, and packets whose file could not be written
home/policy.toml      what it does otherwise than shipped, and policy.cose, the act that set it; both may be absent
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from sharekit.disk import files, leftovers, locks
from sharekit.domain import forms, vocabulary
from sharekit.domain.identifiers import is_phone
from sharekit.errors import FieldInvalid, Malformed, NotVerified, OutputUnwritable, Usage
from sharekit.trust import keys
from sharekit.trust.cards import ORG_ID, Card
from sharekit.trust.folder import PinFolder
from sharekit.trust.keys import Keys
from sharekit.trust.soundness import is_name
from sharekit.trust.store import Pin

__all__ = [
    "checked",
    "is_home",
    "keep_card",
    "keeps",
    "left_behind",
    "name_database",
    "new_home",
    "put_card",
    "read_about",
    "read_card",
    "read_part",
    "sweep",
    "write_home",
    "write_log_key",
]

ABOUT = "agency.json"
UNFINISHED = ".sharekit-new"  # the folder in which a home is made
_FOLDERS = ("", "keys", "trust", "ledger")  # in which a file may wait for its name
_NOT_OURS = {"lost+found", ".DS_Store", ".Trashes", "$RECYCLE.BIN", "System Volume Information"}  # of a new disk
_PARTS = re.compile(r"(agency\.json|card\.cbor|keys|ledger|outbox|trust|vault\.db.*)\Z")


def is_home(home: Path) -> bool:
    """Whether there is an agency's home at this place."""
    return os.path.isfile(home / "agency.json")


def keeps(home: Path, path: Path) -> bool:
    """Whether a file at `path` would stand in the home, where everything is the home's own."""
    found, own = os.path.realpath(path.parent), os.path.realpath(home)
    return os.path.commonpath([found, own]) == own


@contextlib.contextmanager
def new_home(home: Path) -> Iterator[Path]:
    """A folder in which the files of `home` are made: they are there when the block ends, and gone if it fails.

    It is a folder of the home itself: what a killed process leaves is where somebody will look. Raises Usage if
    something is at that place already, OutputUnwritable if nothing can be made there.
    """
    locks.check_system()
    sweep(home)
    made, folder = _begin(home)
    with _locked(folder):
        try:
            yield folder
            _complete(home, folder)
        except BaseException as problem:
            _clear(home)
            if made:
                with contextlib.suppress(OSError):
                    home.rmdir()
            if isinstance(problem, OSError):
                raise OutputUnwritable("the home cannot be made there") from None
            raise


def _begin(home: Path) -> tuple[bool, Path]:
    """Whether the home was made just now, and the folder in it."""
    try:
        made = not home.exists()
        if not made and (not home.is_dir() or not set(os.listdir(home)) <= _NOT_OURS):
            raise _taken()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        (home / UNFINISHED).mkdir(mode=0o700)
    except FileExistsError:  # somebody was faster
        raise _taken() from None
    except (OSError, ValueError):
        raise OutputUnwritable("the home cannot be made there") from None
    return made, home / UNFINISHED


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep a folder for the block from being taken for a leftover."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        locks.take(handle)
        yield
    finally:
        os.close(handle)


def _complete(home: Path, folder: Path) -> None:
    """Put what was made into its place; with agency.json, which comes last, it is a home."""
    names = sorted(set(os.listdir(folder)) - {ABOUT})
    for name in names:
        os.rename(folder / name, home / name)
    files.sync(home)
    os.rename(folder / ABOUT, home / ABOUT)
    files.sync(home)
    folder.rmdir()


def sweep(home: Path) -> None:
    """Remove what a killed process has left in a home, private keys of one that was never finished among it."""
    if leftovers.is_free(home / UNFINISHED):
        _clear(home)
    for name in _FOLDERS:
        leftovers.sweep(home / name)


def _clear(home: Path) -> None:
    """Remove a home that was begun; where agency.json waits still, other files may be in their places already."""
    import shutil

    if (home / UNFINISHED / ABOUT).exists() and not is_home(home):
        for name in filter(_PARTS.match, os.listdir(home)):
            shutil.rmtree(home / name, ignore_errors=True)
            with contextlib.suppress(OSError):
                (home / name).unlink()
    shutil.rmtree(home / UNFINISHED, ignore_errors=True)


def left_behind(home: Path) -> list[Path]:
    """What `sweep` could not remove, or what an earlier sharekit left beside the home; nothing is changed."""
    unfinished = [home / UNFINISHED, *home.parent.glob(".sharekit-home-*")]
    found = [path for path in unfinished if leftovers.is_free(path)]
    return found + [path for name in (*_FOLDERS, "outbox") for path in leftovers.left(home / name)]


def _taken() -> Usage:
    return Usage("there is something at that home already", hint="choose another --home")


def write_home(
    folder: Path, card: Card, private: Keys, *, passphrase: str | None, about: Mapping[str, str | None]
) -> None:
    """Write the home's files but for the vault and the ledger; the names in `about` that are None are left out."""
    for name in ("keys", "trust", "ledger", "outbox"):
        (folder / name).mkdir(mode=0o700)
    files.write(folder / "keys" / "agency.key", keys.to_file(private, passphrase))
    files.write(folder / "keys" / "log.key", keys.log_to_file(private))
    files.write(folder / "card.cbor", card.data)
    known = {name: value for name, value in about.items() if value}
    files.write(folder / "agency.json", json.dumps({"org_id": card.org_id, **known}, indent=2).encode())


def read_about(home: Path) -> dict[str, Any]:
    """What agency.json says, as text by name; Malformed if it is damaged.

    org_id, and where they are known: person and role, who act if nobody else is named, and ledger, the database that
    holds the ledgers.
    """
    data = read_part(home, "agency.json", what="agency.json of this home")
    try:
        about = json.loads(data)
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
        raise _damaged("agency.json of this home is damaged")
    return about


def name_database(home: Path, conninfo: str | None) -> None:
    """Have agency.json name the database that holds the ledgers; with None they are files of the home."""
    about = {name: value for name, value in read_about(home).items() if name != "ledger"}
    if conninfo is not None:
        about["ledger"] = conninfo
    files.write(home / "agency.json", json.dumps(about, indent=2).encode())


def read_card(home: Path) -> Card:
    """The card of this home; Malformed if it is damaged."""
    data = read_part(home, "card.cbor", what="the card of this home")
    try:
        return Card.parse(data)
    except (Malformed, NotVerified):
        raise _damaged("the card of this home is damaged") from None


def keep_card(home: Path, card: Card) -> None:
    """Keep a card of this home that another is to replace, or that is to replace another.

    What was sent with the one must still be verified; the other is put in its place by `put_card` if we are killed.
    """
    PinFolder(home / "trust").write(Pin(card, confirmed=True))


def put_card(home: Path, fingerprint: bytes) -> None:
    """Make the kept card with that fingerprint the card of this home, if it is there and a killed process has not."""
    pin = PinFolder(home / "trust").get(fingerprint)
    if pin is not None and read_card(home).fingerprint != fingerprint:
        with contextlib.suppress(OutputUnwritable):  # another act will
            files.write(home / "card.cbor", pin.card.data)


def write_log_key(home: Path, private: Keys) -> None:
    """Write the file of the log key anew, if it is missing, damaged or another home's."""
    held: SigningKey | None = None
    with contextlib.suppress(Malformed):
        held = keys.log_from_file(read_part(home, "keys/log.key", what="the log key of this home"))
    if held != private.log:
        (home / "keys").mkdir(mode=0o700, exist_ok=True)
        files.write(home / "keys" / "log.key", keys.log_to_file(private))


def is_protected(home: Path) -> bool:
    """Whether the keys of a home need a passphrase; False where there are none."""
    path = home / "keys" / "agency.key"
    return path.is_file() and keys.is_protected(files.read(path, what="the key file of this home"))


def read_part(home: Path, name: str, *, what: str) -> bytes:
    """The bytes of one of the home's own files; Malformed if it is not there or cannot be read.

    `what` names the file in that error.
    """
    try:
        return files.read(home / name, what=what)
    except Usage:
        raise _damaged(f"{what} is missing, or may not be read") from None


def _damaged(message: str) -> Malformed:
    return Malformed(message, hint="restore it from the home's backup")


def checked(org_id: str, org_type: str, name: str, phone: str, out_of_hours_phone: str | None) -> dict[str, Any]:
    """What stands on a card, in the form in which it stands there; FieldInvalid or UnknownCode if it cannot."""
    if not ORG_ID.match(org_id):
        raise FieldInvalid(
            '"org-id" does not have the right form', hint="up to 32 letters, digits, dots, hyphens and underscores"
        )
    vocabulary.load("org-types")[org_type]
    called = forms.canonical("line", name)
    if not is_name(str(called)) or forms.is_placeholder("line", called, field="name"):
        raise FieldInvalid('"name" does not have the right form', hint="a name of at most 200 characters, on one line")
    numbers = {"phone": phone, "out-of-hours-phone": out_of_hours_phone}
    read = {option: forms.canonical("phone", each) for option, each in numbers.items() if each is not None}
    for option, number in read.items():
        if number is None or not is_phone(number):
            raise FieldInvalid(f'"{option}" is not a telephone number', hint=forms.wanted("phone"))
    return {"org_id": org_id, "org_type": org_type, "name": called} | {
        option.replace("-", "_"): number for option, number in read.items()
    }
