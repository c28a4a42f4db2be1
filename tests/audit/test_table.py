"""The words beside the codes of a table: those of the vocabulary that schemas/decoded.sql names."""

from __future__ import annotations

import re

import pytest

from sharekit import registry
from sharekit.audit import table
from sharekit.audit.rows import CODED, COLUMNS
from sharekit.errors import OutputUnwritable


def test_every_coded_column_has_the_vocabulary_that_its_comment_names():
    named = re.findall(r"^    (\w+) .*-- .*\bvocabulary ([\w-]+)$", registry.text("decoded.sql"), re.M)
    assert len(named) > 12
    assert {column: CODED[column] for column, _ in named} == dict(named)


def test_every_vocabulary_of_a_column_is_shipped():
    assert set(CODED) <= set(COLUMNS)
    assert set(CODED.values()) <= {*registry.names("vocabulary"), "profiles"}


@pytest.mark.parametrize("form", table.FORMS)
@pytest.mark.parametrize("place", ["no-such-folder/entries", "."])
def test_a_file_that_cannot_be_made_is_said_to_be_so(tmp_path, form, place):
    with pytest.raises(OutputUnwritable):
        table.write(tmp_path / place, form, [])


def test_a_database_is_never_written_into_one_that_is_there(tmp_path):
    table.write(tmp_path / "entries.db", "db", [])
    with pytest.raises(OutputUnwritable):
        table.write(tmp_path / "entries.db", "db", [])
