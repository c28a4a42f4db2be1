"""The words beside the codes of a table: those of the vocabulary that schemas/decoded.sql names."""

from __future__ import annotations

import re

from sharekit import registry
from sharekit.audit.rows import CODED, COLUMNS


def test_every_coded_column_has_the_vocabulary_that_its_comment_names():
    named = re.findall(r"^    (\w+) .*-- .*\bvocabulary ([\w-]+)$", registry.text("decoded.sql"), re.M)
    assert len(named) > 12
    assert {column: CODED[column] for column, _ in named} == dict(named)


def test_every_vocabulary_of_a_column_is_shipped():
    assert set(CODED) <= set(COLUMNS)
    assert set(CODED.values()) <= {*registry.names("vocabulary"), "profiles"}
