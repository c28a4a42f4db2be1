"""The packet's CDDL: complete, and the same as docstrings, SPEC.md and code; real bytes are in test_cddl_bytes.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from world.console import REPOSITORY

from sharekit import cose
from sharekit.domain import terms
from sharekit.packet import open as opening
from sharekit.packet import seal as sealing
from sharekit.packet import wire
from sharekit.trust import cards, folder, keys
from sharekit.trust.keys import ClassicalOpening, HybridOpening

CDDL = (REPOSITORY / "schemas" / "packet.cddl").read_text()
RULES = dict(re.findall(r"^([A-Za-z][\w-]*) = (.*?)(?=^[A-Za-z;]|\Z)", CDDL, re.MULTILINE | re.DOTALL))


def without_comments(text: str) -> str:
    return re.sub(r";.*", "", text)


# --- the file itself ---

WRITTEN = {"packet", "attachment", "manifest", "dataset", "card", "key-file", "pin"}
COMPUTED = {"sig-structure", "enc-structure", "recipient-structure", "thumbprint-input"}
PRELUDE = set(
    re.findall(
        r"\S+",
        """any uint nint int bstr bytes tstr text tdate time number biguint bignint bigint integer unsigned decfrac
        bigfloat eb64url eb64legacy eb16 encoded-cbor uri b64url b64legacy regexp mime-message cbor-any float16 float32
        float64 float16-32 float32-64 float false true bool nil null undefined""",
    )
)  # RFC 8610 appendix D


def names_in(body: str) -> set[str]:
    """The rules that a body refers to: words that are no member names, literals or controls."""
    bare = re.sub(r"\"[^\"]*\"|h'[^']*'|\.[a-z]+\b", "", without_comments(body))
    return set(re.findall(r"(?<![\w-])[a-z][\w-]*(?![\w-]*:)", bare))


def test_every_name_is_defined_and_every_rule_is_reached():
    assert len(RULES) == len(re.findall(r"^\S+ = ", CDDL, re.MULTILINE))
    reached, new = set(), WRITTEN | COMPUTED
    while new:
        reached |= new
        new = set().union(*(names_in(RULES[name]) for name in new)) - PRELUDE - reached
    assert reached == set(RULES)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "schemas").glob("*.cddl")), ids=lambda path: path.name)
def test_no_rule_takes_a_name_that_cddl_has_already(path):
    names = re.findall(r"^([A-Za-z][\w-]*) += ", path.read_text(), re.MULTILINE)
    assert len(names) == len(set(names)) > 0
    assert PRELUDE.isdisjoint(names)


def test_every_structure_says_which_document_it_comes_from():
    heading = ""
    for block in CDDL.split("\n\n"):
        heading = block if block.startswith("; ---") else heading
        if re.search(r"^[a-z-]+ = .*[\[{]", block, re.MULTILINE):
            assert re.search(r"RFC \d+|C2SP|draft-|SPEC\.md section", heading + block), block


# --- what docstrings show ---


def docstring_rules() -> Iterator[tuple[str, str]]:
    """Every `name = { ... }` or `name = [ ... ]` that a docstring, or a comment of `keys`, shows."""
    for module in (wire, cose, cards, folder, terms, sealing, opening):
        tree = ast.parse(Path(module.__file__).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield from rules_in(ast.get_docstring(node) or "")
    comments = re.findall(r"^# ?(.*)", Path(keys.__file__).read_text(), re.MULTILINE)
    yield from rules_in("\n".join(comments))


def rules_in(text: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"(?:^|\s{2,})([A-Za-z][\w-]*)\s+=\s(?:COSE_Sign1,[^{\[]*)?(?=[{\[])", text, re.MULTILINE):
        yield found[1], balanced(text[found.end() :])


def balanced(text: str) -> str:
    """The bracketed expression with which a text begins."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character in "{[(") - (character in "}])")
        if depth == 0:
            return text[: at + 1]
    raise AssertionError("a bracket is not closed")


def split(expression: str) -> list[str]:
    """The members of a bracketed expression."""
    members, depth = [""], 0
    for character in expression[1:-1]:
        depth += (character in "{[(") - (character in "}])")
        if character == "," and depth == 0:
            members.append("")
        else:
            members[-1] += character
    return [" ".join(member.split()) for member in members if member.strip()]


def shown_map(expression: str) -> dict[int, tuple[bool, str]]:
    """Label to (is it optional, its name), of a map as docstrings and SPEC.md write it: `1 salt` or `1: salt`."""
    found = {}
    for member in split(expression):
        optional, label, name = re.fullmatch(r"(\? )?(-?\d+):? (.*)", member).groups()
        found[int(label)] = (bool(optional), name)
    return found


def optional(members: dict[int, tuple[bool, str]]) -> dict[int, bool]:
    return {label: may_be_absent for label, (may_be_absent, _) in members.items()}


def cddl_map(rule: str) -> dict[int, tuple[bool, str]]:
    """The same of a rule of the CDDL, whose names are what the comments begin with."""
    found, inside_optional = {}, False
    for line in RULES[rule].splitlines():
        inside_optional = (inside_optional or line.strip() == "? (") and line.strip() != "),"
        member = re.match(r"\s+(\? )?(-?\d+) => (.*?)(?:; ([^:(]*).*)?$", line)
        if member:
            found[int(member[2])] = (bool(member[1]) or inside_optional, (member[4] or "").strip())
    return found


MAPS = {"manifest": "manifest", "dataset": "dataset", "card": "card-payload", "pin": "pin", "seeds": "agency-seeds"}
ARRAYS = {
    "packet": "packet",
    "COSE_Sign1": "statement",
    "COSE_Encrypt": "encrypted",
    "recipient": "hybrid-recipient",
}
COUNTED = {"sealed": "sealed", "key-file": "key-file"}  # their members have no names in the docstring


def shown(name: str) -> str:
    [expression] = [expression for found, expression in docstring_rules() if found == name]
    return expression


def ruled(rule: str) -> str:
    """The first array of a rule."""
    body = without_comments(RULES[rule])
    return balanced(body[body.index("[") :])


def test_every_shape_that_a_docstring_shows_is_compared_below():
    assert {name for name, _ in docstring_rules()} == set(MAPS) | set(ARRAYS) | set(COUNTED)


@pytest.mark.parametrize("name", MAPS)
def test_a_map_in_a_docstring_has_the_labels_and_names_of_the_cddl(name):
    in_docstring, in_cddl = shown_map(shown(name)), cddl_map(MAPS[name])
    assert optional(in_docstring) == optional(in_cddl)
    names = {label: text for label, (_, text) in in_docstring.items() if not text.startswith(("{", "["))}
    assert names == {label: in_cddl[label][1] for label in names}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_in_a_docstring_has_the_members_of_the_cddl(name):
    assert members(shown(name)) == members(ruled(ARRAYS[name]))


def members(expression: str) -> list[tuple[str, list[str]]]:
    """The name of each member of an array, or the literal that it is, and the labels of a map inside it."""
    return [(re.match(r"[\w\"]+", one)[0], re.findall(r"-?\d+(?=:| =>)", one)) for one in split(expression)]


@pytest.mark.parametrize("name", COUNTED)
def test_an_array_in_a_docstring_has_as_many_members_as_in_the_cddl(name):
    assert len(split(shown(name))) == len(split(ruled(COUNTED[name])))


# --- what SPEC.md shows ---


def spec_maps() -> dict[str, dict[int, bool]]:
    """The maps that sections 2 and 3 of SPEC.md show between backticks: label to whether it may be absent."""
    text = (REPOSITORY / "SPEC.md").read_text()
    sections = text[text.index("\n## 2") : text.index("\n## 4")]
    found = [re.sub(r"^\w+ = ", "", code) for code in re.findall(r"`([^`\n]*\{[^`\n]*\})`", sections)]
    return {code: optional(shown_map(code)) for code in found}


IN_SPEC = ["statement-header", "claims", "manifest", "dataset", "card-header", "card-payload"]
IN_SPEC += ["signing-key", "hybrid-key", "classical-key"]


@pytest.mark.parametrize("rule", IN_SPEC)
def test_the_specification_shows_the_map(rule):
    assert optional(cddl_map(rule)) in spec_maps().values()


def test_every_map_that_the_specification_shows_is_one_of_the_cddl():
    inline = re.findall(r"\{ [^{}\n]* => [^{}\n]* \}", without_comments(CDDL))
    maps = [dict.fromkeys(map(int, re.findall(r"(-?\d+) =>", one)), False) for one in inline]
    maps += [optional(cddl_map(rule)) for rule in RULES]
    assert [code for code, labels in spec_maps().items() if labels not in maps] == []


# --- what the code calls by number ---

NUMBERS = {
    "ed25519": cose.ED25519,
    "sha-256": cose.SHA_256,
    "a256gcm": cose.A256GCM,
    "hpke-4-ke": ClassicalOpening.alg,
    "hpke-9-ke": HybridOpening.alg,
    "seconds": f"0..{2**34 - 1}",
    "org-id": f'text .regexp "{cards.ORG_ID.pattern.removesuffix(chr(92) + "Z")}"',
    "mode": " / ".join(f'"{mode}"' for mode in wire.MODES),
    "digest": f"bstr .size {sha256().digest_size}",
    "signature": f"bstr .size {cose.SIGNATURE_BYTES}",
    "seed": f"bstr .size {keys.SEED_BYTES}",
}


@pytest.mark.parametrize("rule", NUMBERS)
def test_the_cddl_has_the_numbers_of_the_code(rule):
    assert without_comments(RULES[rule]).strip() == str(NUMBERS[rule])


IN_RULES = {
    "typ of a statement": ("statement-header", f'16 => "{wire.TYP}"'),
    "preimage type": ("statement-header", f'259 => "{wire.SEALED_TYPE}"'),
    "manifest-commit": ("statement-header", f"{wire.MANIFEST_COMMIT} => digest"),
    "checkpoint hash": ("statement-header", f"? {wire.CHECKPOINT_HASH} => digest"),
    "typ of a card": ("card-header", f'16 => "{cards.TYP}"'),
    "recipients": ("encrypted", f"1*{cose.MAX_RECIPIENTS} recipient"),
    "addressees": ("claims", f"1*{cose.MAX_RECIPIENTS} org-id"),
    "IV": ("encrypted", f"bstr .size {cose.IV_BYTES}"),
    "the smallest ciphertext": ("encrypted", f"bstr .size ({cose.TAG_BYTES}.."),
    "the largest ciphertext": ("encrypted", f"..{wire.SIZE_CLASSES[-1] + cose.TAG_BYTES})"),
    "a hybrid encapsulated key": ("hybrid-recipient", f"bstr .size {HybridOpening.ek_bytes}"),
    "a classical encapsulated key": ("classical-recipient", f"bstr .size {ClassicalOpening.ek_bytes}"),
    "a wrapped content key": ("hybrid-recipient", f"bstr .size {cose.CEK_BYTES + cose.TAG_BYTES}"),
    "an opening key": ("card-payload", f"7 => bstr .size {HybridOpening.public_bytes}"),
    "a classical opening key": ("card-payload", f"11 => bstr .size {ClassicalOpening.public_bytes}"),
}


@pytest.mark.parametrize(("rule", "text"), IN_RULES.values(), ids=IN_RULES)
def test_the_cddl_has_the_constants_of_the_code(rule, text):
    assert text in RULES[rule]
