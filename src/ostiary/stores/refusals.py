"""What DynamoDB's error answers mean: which error of ours, whether a write was applied, and what to do.

Source: Amazon DynamoDB Developer Guide, "Error handling with DynamoDB". Messages never quote what the service says about a
signature: that text holds the session token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ostiary.stores.connection import Answer
from ostiary.vocabulary.errors import ConditionFailed, StoreError, Throttled

THROTTLES = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"})
SIGNATURES = frozenset({"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"})
CREDENTIALS = SIGNATURES | {
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationTokenException",
    "MissingAuthenticationToken",
    "UnrecognizedClientException",
}
PERMISSIONS = {"TransactWriteItems": "PutItem"}
"""Operations that are allowed under another name (IAM: a transaction needs what its parts need)."""
MAX_QUOTED_CHARACTERS = 200
"""How much of the service's own message an error quotes."""


def is_signature_refusal(answer: Answer) -> bool:
    """The signature was not accepted, perhaps for its time."""
    return _read(answer)[0] in SIGNATURES


def refusal(answer: Answer, operation: str, table: str, region: str) -> StoreError:
    """The error that an answer other than 200 stands for."""
    kind, data = _read(answer)
    where = f"{operation} on {table}"
    if kind in THROTTLES:
        return Throttled(f"{where}: throttled ({kind}); raise the table's capacity if this lasts")
    if kind == "ConditionalCheckFailedException":
        return ConditionFailed(f"{where}: the condition does not hold; somebody was faster")
    if kind == "TransactionCanceledException":
        return _cancelled(where, data)
    if kind in CREDENTIALS:
        return StoreError(
            f"{where}: the AWS credentials are not accepted ({kind}); check them, the region and this machine's clock", applied=False
        )
    if kind == "ResourceNotFoundException":
        return StoreError(f"{where}: no such table in {region}; deploy the stack, or correct OSTIARY_*_TABLE and AWS_REGION", applied=False)
    if kind == "AccessDeniedException":
        return StoreError(
            f"{where}: access denied; let the role do dynamodb:{PERMISSIONS.get(operation, operation)} on this table and its indexes",
            applied=False,
        )
    said = "".join(character for character in str(data.get("message", data.get("Message", ""))) if character.isprintable())
    certain = 400 <= answer.status < 500
    text = f"{where}: HTTP {answer.status} {kind} {said[:MAX_QUOTED_CHARACTERS]}".rstrip()
    return StoreError(text, applied=False if certain else None)


def _cancelled(where: str, data: Mapping[str, Any]) -> StoreError:
    reasons = data.get("CancellationReasons", data.get("cancellationReasons")) or ()
    codes = {str(reason.get("Code", "")) for reason in reasons if isinstance(reason, dict)} - {"None", ""}
    if "ConditionalCheckFailed" in codes:
        return ConditionFailed(f"{where}: a condition of the transaction does not hold; somebody was faster")
    if codes & {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}:
        return Throttled(f"{where}: the transaction met another one or was throttled ({', '.join(sorted(codes))})")
    return StoreError(f"{where}: the transaction was cancelled ({', '.join(sorted(codes)) or 'no reason given'})", applied=False)


def _read(answer: Answer) -> tuple[str, Mapping[str, Any]]:
    try:
        data = json.loads(answer.body)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        return "", {}
    return str(data.get("__type", "")).rpartition("#")[2], data
