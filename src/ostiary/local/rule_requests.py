"""The Request that a rule's test stands for."""

from __future__ import annotations

from ostiary.judgement.identify import NOBODY, address_principal
from ostiary.language.compile import RuleTest
from ostiary.local.recorded import START
from ostiary.vocabulary.plan import is_fact
from ostiary.vocabulary.request import Principal, Request, Scalar, Value

TEST_ACCOUNT = "acct-test"
"""The account of a test that does not say one."""


def request_of(test: RuleTest) -> Request:
    """The Request that a test means.

    ``account.*`` are the account's facts, ``account.id`` is the verified account (``acct-test`` where it is not said, none where
    it is null), and ``client.address`` counts as the principal only of a request without an account.
    """
    facts: dict[str, Scalar] = {}
    fields: dict[str, Value] = {}
    for name, value in test.fields.items():
        if not is_fact(name):
            fields[name] = value
        elif not isinstance(value, tuple):
            facts[name] = value
    said = fields.pop("account.id", TEST_ACCOUNT)
    account = str(said) if said is not None else None
    client = fields.get("client.address")
    address = client if account is None and isinstance(client, str) else None
    request = Request(test.name, START, "test", account, address, fields, facts)
    fields["principal.id"] = principal_of(request).key
    if account:
        fields["account.id"] = account
    return request


def principal_of(request: Request) -> Principal:
    """Who a test's Request is counted for."""
    return Principal("account", request.account) if request.account else address_principal(request.address or NOBODY)
