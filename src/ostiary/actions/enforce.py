"""``enforce``: put a Case's stage in force where the request path reads it."""

from __future__ import annotations

from ostiary.vocabulary.case import Action
from ostiary.vocabulary.ports import AdminStore
from ostiary.vocabulary.request import Principal

IN_FORCE = ""
NEWER_THERE = "a newer version is in force"


def perform(action: Action, state: AdminStore) -> str:
    """Writes the Action's Enforcement; gives a note on what came of it.

    The store takes only a rising version, so performing twice, or late, has one effect. Raises ``StoreError``.
    """
    assert action.enforcement is not None, f"{action.key} has no enforcement"
    return IN_FORCE if state.enforce(Principal.of_key(action.account), action.enforcement) else NEWER_THERE
