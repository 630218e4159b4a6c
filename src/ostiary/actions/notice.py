"""``notice``: tell the account holder's side what happened, until when, and where to appeal."""

from __future__ import annotations

from ostiary.vocabulary.case import Action
from ostiary.vocabulary.ports import NoticeSink


def perform(action: Action, sink: NoticeSink) -> None:
    """Publishes the Action's notice. At least once: its ``id`` is the Action's key, so that receivers can drop a second one.

    Raises ``StoreError``.
    """
    assert action.notice, f"{action.key} has no notice"
    sink.publish(action.notice)
