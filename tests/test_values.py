"""Values: immutable records that are described by their annotations."""

from __future__ import annotations

import copy
import pickle
from typing import ClassVar

import pytest

from sharekit.values import Value, field, fields, replace


class Point(Value):
    kind: ClassVar[str] = "point"
    x: int
    y: int = 0


class Named(Point):
    name: str = field(repr=False, kw_only=True)
    tags: list[str] = field(default_factory=list, compare=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x")
        self.__dict__["size"] = len(self.name)


class Other(Value, kw_only=True):
    x: int
    y: int = 0


@pytest.mark.parametrize("point", [Point(1, 2), Point(1, y=2), Point(x=1, y=2), Point(y=2, x=1)], ids=repr)
def test_parts_are_given_by_place_or_by_name(point):
    assert (point.x, point.y) == (1, 2)
    assert point == Point(1, 2)


WRONG = {
    "one too few": lambda: Point(),
    "one too many": lambda: Point(1, 2, 3),
    "one twice": lambda: Point(1, x=1),
    "one twice, and one too few": lambda: Point(1, x=2),
    "one that is unknown": lambda: Point(1, z=2),
    "one that is unknown in the place of another": lambda: Point(y=1, z=2),
    "one that is no part": lambda: Point(1, kind="line"),
    "one that is made": lambda: Named(1, name="n", size=1),
    "by its place what has none": lambda: Other(1),
    "by its place what is named only": lambda: Named(1, 2, [], "n"),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_a_type_error(make):
    with pytest.raises(TypeError):
        make()


def test_defaults_are_given_and_those_that_are_made_are_made_anew():
    one, other = Named(1, name="n"), Named(1, name="n")
    assert (one.y, one.tags, one.size) == (0, [], 1)
    assert one.tags is not other.tags
    assert not hasattr(Point, "y")


def test_a_value_is_checked_when_its_parts_are_there():
    with pytest.raises(ValueError, match="x"):
        Named(-1, name="n")
    with pytest.raises(ValueError, match="x"):
        replace(Named(1, name="n"), x=-1)


def test_a_value_cannot_be_changed():
    point = Point(1)
    for change in (lambda: setattr(point, "x", 2), lambda: setattr(point, "z", 2), lambda: delattr(point, "x")):
        with pytest.raises(AttributeError):
            change()
    assert point == Point(1)


def test_values_are_equal_if_they_are_of_one_class_and_their_parts_are_equal():
    assert Point(1) == Point(1, 0)
    assert hash(Point(1)) == hash(Point(1, 0))
    assert Point(1) != Point(2)
    assert Point(1) != Other(x=1)
    assert Point(1) != (1, 0)
    assert Named(1, name="a") != Named(1, name="b")
    assert Named(1, name="a", tags=["t"]) == Named(1, name="a")


def test_a_changed_copy_keeps_the_other_parts():
    assert replace(Point(1, 2), y=3) == Point(1, 3)
    assert replace(Named(1, name="long"), name="n").size == 1
    with pytest.raises(TypeError):
        replace(Point(1), z=1)


def test_what_is_not_to_be_shown_is_not_shown():
    assert repr(Point(1)) == "Point(x=1, y=0)"
    assert repr(Named(1, name="XXTEST-HOLLIS")) == "Named(x=1, y=0, tags=[])"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_copy_is_equal(copied):
    value = Named(1, name="n", tags=["t"])
    assert copied(value) == value
    assert copied(value).tags == ["t"]


def test_a_class_tells_its_parts_in_their_order():
    assert list(fields(Named)) == ["x", "y", "name", "tags", "size"]
    assert fields(Named)["name"].kw_only
