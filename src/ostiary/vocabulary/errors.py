"""Three families of errors: the author's, the world's, ours.

``RuleError`` is the author's: a rule, list, exemption or policy that does not parse or load. ``StoreError`` is the world's: a
table, queue, clock or file that does not answer as it must. A failed ``assert`` is ours. Only the handlers in ``functions/``
turn one of these into fail-open or fail-closed.
"""

from __future__ import annotations


class OstiaryError(Exception):
    """Root of both families; its text says what to do."""


class RuleError(OstiaryError):
    """A document that an author wrote is wrong."""


class StoreError(OstiaryError):
    """The world did not answer as it must.

    ``applied`` says what is known of a write: False, it certainly did not happen; None, nobody knows (the answer was lost).
    """

    def __init__(self, message: str, *, applied: bool | None = None) -> None:
        super().__init__(message)
        self.applied = applied


class ConditionFailed(StoreError):
    """A conditional write met another value: somebody was faster. Never applied."""

    def __init__(self, message: str) -> None:
        super().__init__(message, applied=False)


class Throttled(StoreError):
    """The store asked us to slow down. Never applied."""

    def __init__(self, message: str) -> None:
        super().__init__(message, applied=False)


class ArtefactError(StoreError):
    """A compiled Ruleset is damaged, has another digest than it says, or is newer than this code. It never becomes active."""


class EventError(OstiaryError):
    """A gateway's event is wrong or partial: not the author's fault, nor the store's; answered with the configured fail mode."""


class SettingsError(OstiaryError):
    """The environment does not make valid Settings; the text names the variable."""
