"""The Requests that a rule's test stands for."""

from __future__ import annotations

from ostiary.judgement.identify import NOBODY, address_principal
from ostiary.language.compile import RuleTest
from ostiary.language.rule_test import Step
from ostiary.local.recorded import START
from ostiary.vocabulary.plan import is_fact
from ostiary.vocabulary.request import Principal, Request, Scalar, Value

TEST_ACCOUNT = "acct-test"
"""The account of a test that does not say one."""


def requests_of(test: RuleTest) -> tuple[Request, ...]:
    """The Request of each step of a test, or the record of each, as one.

    ``account.*`` are the account's facts, ``account.id`` is the verified account (``acct-test`` where it is not said, none where
    it is null), and ``client.address`` counts as the principal only of a request without an account. A record has its fields alone.
    """
    if test.kind == "record":
        return tuple(_record(test.name, step) for step in test.steps)
    return tuple(_request(f"{test.name}-{number}", step) for number, step in enumerate(test.steps, start=1))


def _record(name: str, step: Step) -> Request:
    facts = {field: value for field, value in step.fields.items() if is_fact(field) and not isinstance(value, tuple)}
    return Request(name, START + step.at, "test", None, None, step.fields, facts)


def _request(name: str, step: Step) -> Request:
    facts: dict[str, Scalar] = {}
    fields: dict[str, Value] = {}
    for field, value in step.fields.items():
        if not is_fact(field):
            fields[field] = value
        elif not isinstance(value, tuple):
            facts[field] = value
    said = fields.pop("account.id", TEST_ACCOUNT)
    account = str(said) if said is not None else None
    client = fields.get("client.address")
    address = client if account is None and isinstance(client, str) else None
    request = Request(name, START + step.at, "test", account, address, fields, facts)
    fields["principal.id"] = principal_of(request).key
    if account:
        fields["account.id"] = account
    return request


def principal_of(request: Request) -> Principal:
    """Who a test's Request is counted for."""
    return Principal("account", request.account) if request.account else address_principal(request.address or NOBODY)
