"""The stores of a gate that is deployed (or of a local stack), for the commands that look after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ostiary.settings import Settings
from ostiary.vocabulary.errors import StoreError
from ostiary.vocabulary.ports import AdminStore, CaseStore, VerdictStore

if TYPE_CHECKING:
    from ostiary.stores.signature import Credentials

PATIENT_SECONDS = 20.0
"""A person waits longer than a request may."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the environment's ``OSTIARY_*`` and ``AWS_*`` variables point at."""

    settings: Settings
    state: AdminStore
    verdicts: VerdictStore
    cases: CaseStore


def deployed() -> Deployed:
    """Opens nothing yet; raises ``SettingsError`` for an environment that can't work."""
    from ostiary.stores.dynamodb import DynamoBackend, DynamoCaseStore, DynamoStateStore, DynamoVerdictStore

    settings = Settings.from_environment(os.environ)
    patient = replace(settings, deadline=PATIENT_SECONDS, connect_timeout=PATIENT_SECONDS, read_timeout=PATIENT_SECONDS)
    backend = DynamoBackend(patient, credentials=_credentials(settings))
    return Deployed(
        settings=settings,
        state=DynamoStateStore(patient, backend=backend),
        verdicts=DynamoVerdictStore(patient, backend=backend),
        cases=DynamoCaseStore(patient, backend=backend),
    )


def _credentials(settings: Settings) -> Callable[[], Credentials]:
    """Those of the environment; else what boto3 finds (profiles, single sign-on); a local stack takes any."""
    from ostiary.stores.signature import Credentials, environment_credentials

    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return environment_credentials
    if settings.endpoint.startswith("http://"):
        return lambda: Credentials("local", "local")
    return _session_credentials


def _session_credentials() -> Credentials:
    import boto3
    from botocore.exceptions import BotoCoreError

    from ostiary.stores.signature import Credentials

    try:
        found = boto3.Session().get_credentials()
        frozen = found.get_frozen_credentials() if found is not None else None
    except BotoCoreError as error:
        raise StoreError(f"AWS credentials can't be read: {error}", applied=False) from error
    if frozen is None or not frozen.access_key or not frozen.secret_key:
        raise StoreError("no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE", applied=False)
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")
