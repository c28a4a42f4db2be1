"""Merkle trees: roots as the standard defines them, proofs that verify, and changed proofs that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharekit import merkle
from sharekit.errors import LedgerTampered

SIZES = range(1, 41)
LEAVES = [merkle.leaf_hash(b"entry %d" % number) for number in range(max(SIZES))]


def reference_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256(b"").digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + reference_root(leaves[:k]) + reference_root(leaves[k:])).digest()


def mutations(proof: list[bytes]) -> dict[str, list[bytes]]:
    """The proof with one thing wrong, in every way and place."""
    found = {
        "one too many": [*proof, bytes(32)],
        "one too many before": [bytes(32), *proof],
        "the last twice": [*proof, *proof[-1:]] if proof else [b"p" * 32],
    }
    for at, node in enumerate(proof):
        found |= {
            f"{at} flipped": [*proof[:at], bytes([node[0] ^ 1]) + node[1:], *proof[at + 1 :]],
            f"{at} left out": proof[:at] + proof[at + 1 :],
            f"{at} cut short": [*proof[:at], node[:31], *proof[at + 1 :]],
            f"{at} too long": [*proof[:at], node + b"\x00", *proof[at + 1 :]],
            f"{at} empty": [*proof[:at], b"", *proof[at + 1 :]],
        }
        if at:
            found[f"{at} exchanged"] = [*proof[: at - 1], node, proof[at - 1], *proof[at + 1 :]]
    return found


def believed(verify: Callable[..., None], *arguments: Any) -> bool:
    try:
        verify(*arguments)
    except LedgerTampered:
        return False
    return True


# roots


def test_the_root_of_no_entries_is_the_hash_of_nothing():
    assert merkle.root([]) == sha256(b"").digest()


def test_leaves_and_nodes_cannot_be_taken_for_each_other():
    left, right = LEAVES[:2]
    assert merkle.leaf_hash(b"") == sha256(b"\x00").digest()
    assert merkle.node_hash(left, right) == sha256(b"\x01" + left + right).digest()
    assert merkle.node_hash(left, right) != merkle.leaf_hash(left + right)


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_the_one_of_the_definition(size):
    assert merkle.root(LEAVES[:size]) == reference_root(LEAVES[:size])
    assert merkle.root(tuple(LEAVES[:size])) == reference_root(LEAVES[:size])


def test_the_root_leaves_the_list_of_leaves_alone():
    leaves = LEAVES[:7]
    merkle.root(leaves)
    assert leaves == LEAVES[:7]


# inclusion


@pytest.mark.parametrize("size", SIZES)
def test_every_entry_is_proved_and_no_changed_proof_is_believed(size):
    leaves, root = LEAVES[:size], reference_root(LEAVES[:size])
    for index, leaf in enumerate(leaves):
        proof = merkle.inclusion_proof(leaves, index)
        merkle.verify_inclusion(leaf, index, size, proof, root)
        wrong = mutations(proof)
        assert [n for n in wrong if believed(merkle.verify_inclusion, leaf, index, size, wrong[n], root)] == []


@pytest.mark.parametrize("size", SIZES)
def test_a_proof_is_of_one_entry_at_one_place_in_one_tree(size):
    leaves, root = LEAVES[:size], reference_root(LEAVES[:size])
    for index in range(size):
        proof = merkle.inclusion_proof(leaves, index)
        for other in {*range(size)} - {index}:
            with pytest.raises(LedgerTampered):
                merkle.verify_inclusion(leaves[index], other, size, proof, root)
            with pytest.raises(LedgerTampered):
                merkle.verify_inclusion(leaves[other], index, size, proof, root)
        with pytest.raises(LedgerTampered):
            merkle.verify_inclusion(leaves[index], index, size, proof, bytes(32))


@pytest.mark.parametrize("size", SIZES)
def test_a_proof_has_no_more_nodes_than_the_tree_has_levels(size):
    lengths = [len(merkle.inclusion_proof(LEAVES[:size], index)) for index in range(size)]
    assert max(lengths) == (size - 1).bit_length()


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (5, 4), (0, 0), (0, -1), (2**70, 4)])
def test_an_entry_outside_the_tree_is_not_proved(index, size):
    with pytest.raises(LedgerTampered):
        merkle.verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0)])
def test_there_is_no_proof_of_an_entry_outside_the_tree(index, size):
    with pytest.raises(IndexError):
        merkle.inclusion_proof(LEAVES[:size], index)


def test_a_node_inside_the_tree_is_no_entry():
    """The hash of two leaves at its own level: the attack that the prefixes of leaves and nodes stop."""
    root = merkle.root(LEAVES[:4])
    inner = LEAVES[0] + LEAVES[1]
    with pytest.raises(LedgerTampered):
        merkle.verify_inclusion(merkle.leaf_hash(inner), 0, 2, [merkle.node_hash(*LEAVES[2:4])], root)


def test_a_refusal_says_which_entry_and_which_hashes():
    with pytest.raises(LedgerTampered) as refused:
        merkle.verify_inclusion(LEAVES[0], 0, 1, [], LEAVES[1])
    assert (refused.value.index, refused.value.expected, refused.value.found) == (0, LEAVES[1].hex(), LEAVES[0].hex())


# consistency


@pytest.mark.parametrize("size", SIZES)
def test_every_earlier_tree_is_proved_and_no_changed_proof_is_believed(size):
    leaves, root = LEAVES[:size], reference_root(LEAVES[:size])
    for old in range(1, size + 1):
        old_root = reference_root(LEAVES[:old])
        proof = merkle.consistency_proof(leaves, old)
        merkle.verify_consistency(old, old_root, size, root, proof)
        wrong = mutations(proof)
        assert [n for n in wrong if believed(merkle.verify_consistency, old, old_root, size, root, wrong[n])] == []


@pytest.mark.parametrize("size", SIZES)
def test_a_history_that_was_changed_is_not_consistent(size):
    """The old tree is true, the new one has another entry somewhere in the old part: whatever proof is shown."""
    for old in range(1, size + 1):
        old_root = reference_root(LEAVES[:old])
        rewritten = [*LEAVES[: old - 1], bytes(32), *LEAVES[old:size]]
        for leaves in (rewritten, LEAVES[:size]):
            proof = merkle.consistency_proof(leaves, old)
            with pytest.raises(LedgerTampered):
                merkle.verify_consistency(old, old_root, size, reference_root(rewritten), proof)
            with pytest.raises(LedgerTampered):
                merkle.verify_consistency(old, b"x" * 32, size, reference_root(leaves), proof)


@pytest.mark.parametrize("size", SIZES)
def test_a_consistency_proof_is_of_one_earlier_size(size):
    root = reference_root(LEAVES[:size])
    for old in range(1, size):
        proof = merkle.consistency_proof(LEAVES[:size], old)
        for other in {*range(1, size + 1)} - {old}:
            with pytest.raises(LedgerTampered):
                merkle.verify_consistency(other, reference_root(LEAVES[:old]), size, root, proof)


NO_EARLIER_TREE = {
    "an empty tree": (0, 4),
    "a negative size": (-1, 4),
    "a larger tree": (5, 4),
    "nothing of nothing": (0, 0),
}


@pytest.mark.parametrize(("old", "size"), NO_EARLIER_TREE.values(), ids=NO_EARLIER_TREE)
def test_there_is_no_consistency_with(old, size):
    with pytest.raises(LedgerTampered):
        merkle.verify_consistency(old, merkle.root([]), size, merkle.root(LEAVES[:size]), [])
    with pytest.raises(IndexError):
        merkle.consistency_proof(LEAVES[:size], old)


def test_the_same_tree_needs_no_proof_and_takes_none():
    root = merkle.root(LEAVES[:5])
    merkle.verify_consistency(5, root, 5, root, [])
    with pytest.raises(LedgerTampered):
        merkle.verify_consistency(5, root, 5, root, [root])
    with pytest.raises(LedgerTampered):
        merkle.verify_consistency(5, root, 5, merkle.root(LEAVES[:6]), [])


def test_a_larger_tree_needs_a_proof():
    """Also where the old one was complete, so that its own root is the first node."""
    for old in (3, 4):
        with pytest.raises(LedgerTampered):
            merkle.verify_consistency(old, merkle.root(LEAVES[:old]), 7, merkle.root(LEAVES[:7]), [])


# whatever is shown


@settings(max_examples=200)
@given(
    st.integers(-2, 2**65),
    st.integers(-2, 2**65),
    st.lists(st.binary(max_size=40), max_size=70),
)
def test_an_invented_proof_is_refused_with_a_typed_error(index, size, proof):
    with pytest.raises(LedgerTampered):
        merkle.verify_inclusion(LEAVES[0], index, size, proof, LEAVES[1])
    with pytest.raises(LedgerTampered):
        merkle.verify_consistency(index, LEAVES[0], size, LEAVES[1], proof)


@settings(max_examples=30)
@given(st.integers(41, 300), st.data())
def test_larger_trees_are_no_different(size, data):
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(size)]
    root = merkle.root(leaves)
    assert root == reference_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    merkle.verify_inclusion(leaves[index], index, size, merkle.inclusion_proof(leaves, index), root)
    old = data.draw(st.integers(1, size))
    merkle.verify_consistency(old, merkle.root(leaves[:old]), size, root, merkle.consistency_proof(leaves, old))


# --- what is no hash ---

INCLUSION = (LEAVES[2], 2, 5, tuple(merkle.inclusion_proof(LEAVES[:5], 2)), merkle.root(LEAVES[:5]))
CONSISTENCY = (3, merkle.root(LEAVES[:3]), 5, merkle.root(LEAVES[:5]), tuple(merkle.consistency_proof(LEAVES[:5], 3)))
NO_HASHES = {"empty": b"", "a byte": b"h", "31 bytes": bytes(31), "33 bytes": bytes(33), "text": "h" * 32, "none": None}


def with_one_other(given: tuple[Any, ...], other: object) -> Iterator[tuple[Any, ...]]:
    """What was given, with `other` in the place of one hash, for every place where a hash stands."""
    for place, part in enumerate(given):
        if type(part) is bytes:
            yield (*given[:place], other, *given[place + 1 :])
        elif type(part) is tuple:
            for step in range(len(part)):
                yield (*given[:place], (*part[:step], other, *part[step + 1 :]), *given[place + 1 :])


@pytest.mark.parametrize("other", NO_HASHES.values(), ids=NO_HASHES)
@pytest.mark.parametrize(
    ("verify", "given"), [(merkle.verify_inclusion, INCLUSION), (merkle.verify_consistency, CONSISTENCY)]
)
def test_a_proof_consists_of_hashes_and_so_do_its_ends(verify, given, other):
    verify(*given)
    changed = list(with_one_other(given, other))
    assert len(changed) >= 5
    for each in changed:
        with pytest.raises(LedgerTampered):
            verify(*each)


@pytest.mark.parametrize("nothing", [b"", bytes(31)], ids=["empty", "31 bytes"])
def test_a_tree_of_one_entry_has_no_root_that_is_no_hash(nothing):
    with pytest.raises(LedgerTampered):
        merkle.verify_inclusion(nothing, 0, 1, [], nothing)
    with pytest.raises(LedgerTampered):
        merkle.verify_consistency(1, nothing, 1, nothing, [])


def test_two_roots_of_one_size_are_told_in_their_order():
    with pytest.raises(LedgerTampered) as told:
        merkle.verify_consistency(3, b"a" * 32, 3, b"b" * 32, [])
    assert (told.value.expected, told.value.found) == ((b"a" * 32).hex(), (b"b" * 32).hex())
