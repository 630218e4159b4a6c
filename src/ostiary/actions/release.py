"""``release``: end a stage because a person said so."""

from __future__ import annotations

from ostiary.actions import enforce
from ostiary.vocabulary.case import Action
from ostiary.vocabulary.ports import AdminStore


def perform(action: Action, state: AdminStore) -> str:
    """Ends the enforcement by the release's higher version: whatever is still on its way can't put it back. As ``enforce``."""
    assert action.enforcement is not None and action.enforcement.stage == "none", f"{action.key} does not release"
    return enforce.perform(action, state)
