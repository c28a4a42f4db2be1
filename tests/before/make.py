"""Makes what an earlier build of sharekit left behind, and writes down what that build said of it.

    python tests/before/make.py PATH-TO-SHAREKIT-OF-THE-BUILD-BEFORE REPOSITORY-OF-THE-BUILD-BEFORE

Only the command line is used, because its names are promised. Keys and nonces are random: made again, the files
differ, and so do numbers of packets; nothing else does. README.md says with which release they were made.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RELEASE = "0.1.0, before the folders"
WORDS = "four words that nobody guesses"
HOMES = {  # folder: organisation, type, name, telephone; Fernshire alone has a passphrase and a classical key
    "fernshire": ("E10999001", "local-authority-csc", "Fernshire County Council", "01632 960101"),
    "quillbrook": ("ZZQ01", "nhs-acute", "Quillbrook University Hospitals", "01632 960301"),
    "larkmoor": ("URN-999001", "school", "Larkmoor Primary Academy", "01632 960501"),
    "hub": ("E10999003", "local-authority-early-help", "Fernshire Early Help Hub", "01632 960102"),
    "harrowmere": ("P97", "police", "Harrowmere Police", "01632 960401"),
    "auditor": ("AUD1", "auditor", "Fernshire Audit Service", "01632 960601"),
}
ORGANISATIONS = {folder: about[0] for folder, about in HOMES.items()}
PACKETS = {  # packet: pair of examples, from, to, when, changes of the terms
    "early-help-referral": ("early-help-referral", "larkmoor", "hub", "2026-11-10T09:05:00Z", {}),
    "decision-not-to-share": ("decision-not-to-share", "larkmoor", "auditor", "2026-11-12T09:05:00Z", {}),
    "safeguarding-referral": ("safeguarding-referral", "larkmoor", "fernshire", "2026-11-26T13:45:00Z", {}),
    "cp-is-flag": ("cp-is-flag", "fernshire", "quillbrook", "2026-11-27T09:05:00Z", {}),
    "cp-is-flag.minimised": (
        *("cp-is-flag", "fernshire", "quillbrook", "2026-11-27T09:10:00Z"),
        {"purpose": "health.direct-care.urgent"},
    ),
    "strategy-s47": ("strategy-s47", "fernshire", "harrowmere", "2026-11-27T12:05:00Z", {}),
    "request-for-information": ("request-for-information", "fernshire", "quillbrook", "2026-11-27T12:35:00Z", {}),
    "attendance-alert.minimised": (
        *("attendance-alert", "quillbrook", "fernshire", "2026-11-27T23:50:00Z"),
        {"permitted_purposes": []},
    ),
    "information-reply": ("information-reply", "quillbrook", "fernshire", "2026-11-28T10:05:00Z", {}),
}
BORN = ("--confirm", "date_of_birth=2019-03-14")
OPENINGS = {  # packet: the purpose it is opened for, and what else that needs
    "early-help-referral": ("safeguarding.early-help",),
    "decision-not-to-share": ("oversight.audit",),
    "safeguarding-referral": ("safeguarding.referral",),
    "cp-is-flag": ("safeguarding.status-flag", *BORN),
    "cp-is-flag.minimised": ("health.direct-care.urgent", *BORN),
    "strategy-s47": ("crime.investigation", "--basis", "art6-1-e", "--art10", "art10-official-authority"),
    "request-for-information": ("safeguarding.s47-enquiry",),
    "attendance-alert.minimised": ("safeguarding.attendance-alert",),
    "information-reply": ("safeguarding.s47-enquiry",),
}
LOOSER = (  # what the loosened policy alone permits
    *("information-reply", "education.support", "--basis", "art6-1-e", "--art9", "art9-2-g+sch1-p18"),
    *("--art10", "art10-sch1-p18", "--gateway", "ca89-s47", "--annex2", "safeguarding-vulnerable"),
)
LAST = "2026-11-28T16:00:00Z"  # when the build before was asked what it makes of all this
POLICY = """\
# nothing is shared for this, and a cell opens with a record where the shipped one refers
prohibited_purposes = ["crime.mappa"]

[[cells]]
from = "safeguarding.s47-enquiry"
to = "education.support"
cell = "record"
"""
LEE = ("--as", "Lee XXTEST-Varley", "--role", "team-manager")


class Build:
    """The command line of the build before, in a folder of its own, with a clock that is set."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder, self.now = program, folder, ""

    def __call__(self, *command: str | Path) -> dict[str, Any]:
        """What a command says as JSON; a command that fails ends everything."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHAREKIT_")}
        ran = subprocess.run(
            [self.program, *map(str, command), "--json"],
            cwd=self.folder,
            env=kept | {"SHAREKIT_NOW": self.now},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise SystemExit(f"{' '.join(map(str, command))}\n{ran.stdout}{ran.stderr}")
        return dict(json.loads(ran.stdout))


def at(home: str) -> tuple[str, ...]:
    """The options that say whose home, and open its keys."""
    return ("--home", home, "--passphrase-file", "passphrase") if home == "fernshire" else ("--home", home)


def make_homes(build: Build) -> None:
    for folder, (org_id, org_type, name, phone) in HOMES.items():
        own = ("--classical", *LEE) if folder == "fernshire" else ("--no-passphrase",)
        about = ("--org-id", org_id, "--org-type", org_type, "--name", name, "--phone", phone)
        build("init", *at(folder), *about, *own)
        build("card", "--home", folder, "-o", f"cards/{folder}.card")
    for folder in HOMES:
        for other in HOMES:
            if other != folder:
                build("trust", "add", *at(folder), f"cards/{other}.card")


def seal(build: Build, packet: str, examples: Path) -> None:
    pair, sender, recipient, build.now, changes = PACKETS[packet]
    terms = json.loads((examples / f"{pair}.terms.json").read_text()) | changes
    (build.folder / "terms.json").write_text(json.dumps(terms))
    minimise = ("--minimise",) if packet.endswith(".minimised") else ()
    files = (str(examples / f"{pair}.json"), "--terms", "terms.json", "-o", f"packets/{packet}.sharekit")
    build("seal", *files, *at(sender), "--to", ORGANISATIONS[recipient], *minimise)


def opening(packet: str, purpose: str = "", *more: str) -> tuple[str, ...]:
    """The command that opens a packet, for a purpose other than its own if one is named."""
    if not purpose:
        purpose, *more = OPENINGS[packet]
    file = f"packets/{packet}.sharekit"
    return ("open", file, "--purpose", purpose, *more, *at(PACKETS[packet][2]), "-o", "opened.json")


def play(build: Build, repository: Path) -> None:
    """Everything that happens: a policy is loosened, packets go out, a receipt comes back, a hold is set, and more."""
    examples = repository / "docs" / "examples"
    build.now = "2026-11-10T09:00:00Z"
    make_homes(build)
    (build.folder / "policy.toml").write_text(POLICY)
    build("policy", "set", "policy.toml", "--loosen", "--reason", "Agreed on 3 November", *at("fernshire"))
    build.now = "2026-11-10T15:10:00Z"
    build("decide", examples / "decisions" / "early-help-refused.json", *at("fernshire"))
    for packet in sorted(PACKETS, key=lambda name: PACKETS[name][3]):
        seal(build, packet, examples)
    build.now = "2026-11-28T11:00:00Z"
    made = build.folder / build(*opening("cp-is-flag"))["receipt"]
    shutil.copy(made, build.folder / "packets" / "receipt.sharekit")
    build("receive", "packets/receipt.sharekit", *at("fernshire"))
    for packet in ("safeguarding-referral", "information-reply"):
        build(*opening(packet))
    inquiry = ("--reason", "An inquiry was announced")
    build("retention", "hold", "packets/safeguarding-referral.sharekit", *inquiry, *at("fernshire"))
    attest(build)


def attest(build: Build) -> None:
    """A partner and a witness cosign Fernshire's ledger; an auditor gets all there is."""
    build.now = "2026-11-28T12:00:00Z"
    about = at("fernshire")
    build("ledger", "checkpoint", "-o", "fernshire.note", *about)
    build("ledger", "checkpoint", "--to", "ZZQ01", "-o", "packets/checkpoint.sharekit", *about)
    answer = build("receive", "packets/checkpoint.sharekit", *at("quillbrook"))["receipt"]
    build("receive", answer, *about)
    build("ledger", "witness", "request", "-o", "request.txt", *about)
    signing = ("--trust", "cards/fernshire.card", "-o", "cosigned.note")
    build("ledger", "witness", "sign", "request.txt", *signing, *at("auditor"))
    build("ledger", "witness", "keep", "cosigned.note", "--trust", "cards/auditor.card", *about)
    build("ledger", "prove", "7", "-o", "fernshire.proof", *about)
    build("ledger", "seen", "E10999001", "-o", "seen.note", *at("quillbrook"))
    build("receipts", "packets/cp-is-flag.sharekit", "-o", "fernshire.receipts", *about)
    build("ledger", "export", "-o", "fernshire.export", *about)


def questions(build: Build) -> dict[str, list[tuple[str, ...]]]:
    """Every command that the build before is asked, each in a fresh copy of everything."""
    audit = ("audit", "verify", "fernshire.export")
    trust = [word for folder in HOMES for word in ("--trust", f"cards/{folder}.card")]
    given = ("--checkpoint", "fernshire.note", "--checkpoint", "seen.note", "--proof", "fernshire.proof")
    asked = dict.fromkeys(each["name"] for each in build("audit", "questions")["questions"])
    names = [name for name in asked if name != "child"]  # which is asked in a home
    decision = build("decide", "list", "--home", "fernshire")["decisions"][0]["decision"]
    locked, unlocked = ("--home", "fernshire"), at("fernshire")
    return {
        "inspect": [("inspect", f"packets/{each}.sharekit") for each in (*PACKETS, "receipt", "checkpoint")],
        "verify without a home": [
            ("verify", f"packets/{each}.sharekit", *trust) for each in (*PACKETS, "receipt", "checkpoint")
        ],
        "verify": [("verify", f"packets/{each}.sharekit", *at(PACKETS[each][2])) for each in PACKETS],
        "open": [*map(opening, PACKETS), opening(*LOOSER)],
        "home": [
            *[("trust", "list", "--home", folder) for folder in HOMES],
            *[("ledger", "log", "--home", folder) for folder in HOMES],
            *[("ledger", "verify", "--home", folder) for folder in HOMES],
            *[("receipts", f"packets/{each}.sharekit", *locked) for each in ("cp-is-flag", "strategy-s47")],
            ("policy", "show", *locked),
            ("overdue", "--all", *locked),
            ("overdue", "--all", "--words", *unlocked),
            ("retention", "due", "--all", *locked),
            ("decide", "list", *locked),
            ("decide", "show", decision, *unlocked),
            ("ledger", "subject", "--id", "nhs=9990001006", *unlocked),
            ("ledger", "forks", *locked),
        ],
        "audit": [
            (*audit, "--trust", "cards/fernshire.card"),
            (*audit, *trust, *given, "--receipts", "fernshire.receipts"),
            *[("audit", "query", name, "fernshire.export", "--trust", "cards/fernshire.card") for name in names],
        ],
    }


def pack(folder: Path, homes: Path) -> None:
    """The homes in one archive, which keeps what git does not: who may read a key file."""
    with tarfile.open(homes, "w:xz") as archive:
        for path in sorted(path for home in HOMES for path in [folder / home, *(folder / home).rglob("*")]):
            found = archive.gettarinfo(path, arcname=path.relative_to(folder).as_posix())
            found.uid = found.gid = found.mtime = 0
            found.uname = found.gname = ""
            archive.addfile(found, io.BytesIO(path.read_bytes()) if path.is_file() else None)


def answers(build: Build) -> dict[str, list[dict[str, Any]]]:
    """What the build before says to every question; of an opening also what it showed."""
    said: dict[str, list[dict[str, Any]]] = {}
    for kind, commands in questions(build).items():
        said[kind] = [{"command": command, **answer(build, command)} for command in commands]
    return said


def answer(build: Build, command: tuple[str, ...]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        asked = Build(build.program, Path(temporary) / "copy")
        asked.now = build.now
        shutil.copytree(build.folder, asked.folder)
        found = {"said": asked(*command)}
        if command[0] == "open":
            found["opened"] = json.loads((asked.folder / "opened.json").read_text())
        return found


def keep(folder: Path) -> None:
    """Everything that was made, beside this script; what was made on the way is left behind."""
    for name in ("request.txt", "terms.json", "opened.json", "policy.toml", "cosigned.note"):
        (folder / name).unlink()
    pack(folder, HERE / "homes.tar.xz")
    for home in HOMES:
        shutil.rmtree(folder / home)
    shutil.copytree(folder, HERE, dirs_exist_ok=True)


def main(program: Path, repository: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("cards", "packets"):
            (folder / name).mkdir()
        (folder / "passphrase").write_text(WORDS + "\n")
        (folder / "passphrase").chmod(0o600)
        build = Build(program, folder)
        play(build, repository)
        build.now = LAST
        about = {"release": RELEASE, "asked_at": LAST, **answers(build)}
        keep(folder)
    (HERE / "said.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
