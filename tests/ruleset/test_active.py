"""The Ruleset in force: the last good one stays."""

from __future__ import annotations

import pytest

from ostiary.ruleset.active import Active
from ostiary.ruleset.artefact import dump, sealed
from ostiary.vocabulary.errors import ArtefactError
from ostiary.vocabulary.rule import Ruleset


def test_a_good_artefact_becomes_active() -> None:
    active = Active(sealed(Ruleset(rules=())))
    newer = Ruleset(rules=(), escalation="{}")
    assert active.offer(dump(newer)) is active.ruleset
    assert active.ruleset == sealed(newer)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"x", lambda data: b"", lambda data: data + b"x"])
def test_a_damaged_artefact_never_becomes_active(damage: object) -> None:
    first = sealed(Ruleset(rules=()))
    active = Active(first)
    with pytest.raises(ArtefactError):
        active.offer(damage(dump(Ruleset(rules=(), escalation="{}"))))  # type: ignore[operator]
    assert active.ruleset is first
