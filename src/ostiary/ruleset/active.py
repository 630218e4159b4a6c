"""The Ruleset in force: an artefact that fails its check never becomes active, the last good one stays."""

from __future__ import annotations

from ostiary.ruleset.artefact import load
from ostiary.vocabulary.rule import Ruleset


class Active:
    """Holds the Ruleset in force and replaces it as a whole.

    >>> from ostiary.ruleset.artefact import dump, sealed
    >>> active = Active(sealed(Ruleset(rules=())))
    >>> active.offer(dump(Ruleset(rules=(), escalation="{}"))) is active.ruleset
    True
    """

    __slots__ = ("_ruleset",)

    def __init__(self, initial: Ruleset) -> None:
        self._ruleset = initial

    @property
    def ruleset(self) -> Ruleset:
        """The Ruleset in force. Read it once a request: it may be another one the next time."""
        return self._ruleset

    def offer(self, data: bytes) -> Ruleset:
        """Loads an artefact and makes it active; returns it. Raises ``ArtefactError`` and keeps the last good one."""
        self._ruleset = load(data)
        return self._ruleset
