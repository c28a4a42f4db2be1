"""Group commit: who shares one, what each is told of it, and that no entry is committed twice or for nobody."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sharekit.errors import LedgerError, LedgerTampered
from sharekit.ledger.group_commit import Group, Member

Take = Callable[[], list[bytes]]


class Ledger:
    """Takes what it is given; while it commits, others come."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.group, self.others = Group(), list[Member]()

    def commit(self, own: Member, coming: list[list[bytes]], *, error: BaseException | None = None) -> None:
        def append(take: Take) -> int:
            self.others = [self.group.join(encoded) for encoded in coming]
            for each in self.others:
                each.__enter__()
            first, taken = len(self.entries), take()
            if error:
                raise error
            self.entries += taken
            return first

        self.group.commit(own, append)


def test_those_who_came_meanwhile_are_committed_too_and_each_is_told_its_own_number():
    ledger = Ledger()
    with ledger.group.join([b"a", b"b"]) as own:
        ledger.commit(own, [[b"c"], [b"d", b"e"], [b"f"]])
    assert ledger.entries == [b"a", b"b", b"c", b"d", b"e", b"f"]
    assert [each.first() for each in (own, *ledger.others)] == [0, 2, 3, 5]


def test_who_came_while_nobody_was_committing_waits_for_nobody():
    ledger = Ledger()
    early = ledger.group.join([b"early"])
    with early, ledger.group.join([b"a"]) as own:
        ledger.commit(own, [])
        assert not early.is_settled
        ledger.commit(early, [])
    assert ledger.entries == [b"a", b"early"]


def test_who_has_left_is_not_committed():
    ledger = Ledger()

    def append(take: Take) -> int:
        with ledger.group.join([b"gone"]):
            pass
        ledger.entries += take()
        return 0

    with ledger.group.join([b"a"]) as own:
        ledger.group.commit(own, append)
    assert ledger.entries == [b"a"]


def test_what_goes_wrong_is_told_to_all_each_by_an_error_of_its_own():
    ledger, error = Ledger(), LedgerTampered("damaged", index=3, expected="aa", found="bb")
    with ledger.group.join([b"a"]) as own, pytest.raises(LedgerTampered):
        ledger.commit(own, [[b"b"], [b"c"]], error=error)
    told = []
    for each in ledger.others:
        assert each.is_settled
        with pytest.raises(LedgerTampered) as raised:
            each.first()
        told.append(raised.value)
    assert [(each.message, each.index, each.expected, each.hint) for each in told] == [
        ("damaged", 3, "aa", error.hint)
    ] * 2
    assert len({id(each) for each in (error, *told)}) == 3


def test_an_interrupt_is_told_to_others_as_an_error_of_the_ledger():
    ledger = Ledger()
    with ledger.group.join([b"a"]) as own, pytest.raises(KeyboardInterrupt):
        ledger.commit(own, [[b"b"]], error=KeyboardInterrupt())
    with pytest.raises(LedgerError, match="interrupted"):
        ledger.others[0].first()


def test_a_second_look_at_what_is_newest_takes_those_who_came_between():
    """PostgreSQL asks again if another was faster: nobody is left out, and nobody is in it twice."""
    ledger = Ledger()

    def append(take: Take) -> int:
        assert take() == [b"a"]
        with ledger.group.join([b"b"]) as other:
            taken = take()
            assert take() == taken
        ledger.others, ledger.entries = [other], taken
        return 0

    with ledger.group.join([b"a"]) as own:
        ledger.group.commit(own, append)
    assert ledger.entries == [b"a", b"b"]
    assert (own.first(), ledger.others[0].first()) == (0, 1)
