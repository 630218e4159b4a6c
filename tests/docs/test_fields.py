"""``docs/fields.md`` is the table of fields that the code has, and says which gateway fills each, as its golden Requests show.

``OSTIARY_WRITE_GOLDEN=1 pytest tests/docs/test_fields.py`` writes the page anew.
"""

from __future__ import annotations

import base64
import copy
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ostiary.gateways import rest_authorizer, rest_proxy
from ostiary.settings import Settings
from ostiary.vocabulary.fields import COLLECTIONS, FIELD_FAMILIES, REQUEST_FIELDS, SIGMA_TAXONOMY, FieldInfo
from ostiary.vocabulary.plan import is_normalised

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "fields.md"
GOLDEN = ROOT / "tests" / "gateways" / "golden"
EVENTS = ROOT / "events"
ADAPTERS = {"rest_authorizer": rest_authorizer, "rest_proxy": rest_proxy}

BESIDE_THE_GATEWAY: Mapping[str, str] = {
    "principal.id": "every request has it: the account, or without one the address",
    "gen_ai.usage.output_tokens": "known after the answer; no gateway fills it",
}
"""Fields that no gateway's Request holds, and where they come from."""
GROUP_WINDOW: Mapping[str, FieldInfo] = {
    "group.by": FieldInfo("text", "what the group shares: template, network, cohort"),
    "group.accounts": FieldInfo("number", "how many accounts are in the group", "{account}"),
    "group.organizations": FieldInfo("number", "how many organisations these accounts belong to", "{organization}"),
    "group.slot_overlap": FieldInfo("number", "share of the values in the template's slots that several accounts sent", "1"),
    "group.prevalence": FieldInfo("number", "share of all accounts that have what the group shares", "1"),
}

HEADER = """# Fields

What a rule can ask about. Names are OpenTelemetry semantic conventions where they exist. An unknown name in a rule of ours is a
mistake with a hint; an imported Sigma rule with one "does not apply".

- **Kind**: text, number, boolean or address. Texts compare without case unless `|cased`; a number and its text are equal.
- **Many**: the field may have several values. Any of them satisfies an item; use a block (`gen_ai.messages[]`) where two items
  must hold of the same one ([language](language.md#one-member-of-a-collection-ours)).
- **N**: normalised before it is compared: compatibility forms and look-alike letters become plain, invisible characters go.
  `<field>.raw` is the same field as it was sent.
- **authorizer**, **proxy**: which gateway fills it (`rest_authorizer`, `rest_proxy`), where the request has it. An authorizer
  never sees the body, so rules over `gen_ai.*` and `body.*` need the proxy. A dash: never; then an item is false, and `not` of it true.

This page is held against the code by `tests/docs/test_fields.py`, and the columns of gateways against golden requests.
"""


def altered() -> Iterator[tuple[str, dict[str, Any]]]:
    """Requests that are odd in one way each, made from an event: what only such requests have."""
    event = json.loads((EVENTS / "rest_proxy" / "anthropic_messages.json").read_text())
    body = json.loads(event["body"])
    bodies = {
        "sampling": json.dumps({**body, "top_p": 0.9, "top_k": 40, "tools": [{"type": "custom", "name": "search"}]}),
        "duplicate keys": '{"model": "a", "model": "b", "messages": []}',
        "no JSON": "{",
    }
    for name, text in bodies.items():
        yield name, {**event, "body": text}
    undeclared = copy.deepcopy(event)
    for headers in (undeclared["headers"], undeclared["multiValueHeaders"]):
        for key in [key for key in headers if key.lower() == "content-type"]:
            headers[key] = ["text/plain"] if isinstance(headers[key], list) else "text/plain"
    yield "undeclared JSON", undeclared
    yield "large", {**event, "body": base64.b64encode(b" " * 11_000_000).decode(), "isBase64Encoded": True}


def without_address(gateway: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / gateway / "plain_get.json").read_text())
    event["requestContext"]["identity"]["sourceIp"] = "not an address"
    return event


def coverage() -> dict[str, set[str]]:
    """Gateway → the fields that its golden Requests, and those of ``altered``, hold."""
    found: dict[str, set[str]] = {}
    for path in sorted(GOLDEN.glob("*/*.json")):
        request = json.loads(path.read_text()).get("request")
        if request is not None:
            held = found.setdefault(path.parent.name, set())
            held.update(request["fields"], request["facts"], ["account.id"] if request["account"] else [])
    settings = Settings(identifier_key="a key for golden files", trusted_proxies=("192.0.2.248/29",))
    for _, event in altered():
        found["rest_proxy"].update(rest_proxy.to_request(event, settings, 1_769_600_720.0).fields)
    for gateway, adapter in ADAPTERS.items():
        found[gateway].update(adapter.to_request(without_address(gateway), settings, 1_769_600_720.0).fields)
    return found


def filled(name: str, held: set[str]) -> str:
    whole = name.removesuffix("…").removesuffix(".*")
    return "yes" if whole in held or (whole != name and any(field.startswith(whole) for field in held)) else "–"


def row(name: str, info: FieldInfo, held: Mapping[str, set[str]]) -> str:
    what = info.what + (f" ({BESIDE_THE_GATEWAY[name]})" if name in BESIDE_THE_GATEWAY else "")
    normal = "N" if info.kind == "text" and is_normalised(name.replace("…", "x")) else ""
    columns = [filled(name, held[gateway]) for gateway in ("rest_authorizer", "rest_proxy")]
    if name == "principal.id":
        columns = ["yes", "yes"]
    return f"| `{name}` | {info.kind} | {info.unit} | {'many' if info.many else ''} | {normal} | {what} | {' | '.join(columns)} |\n"


def table(fields: Mapping[str, FieldInfo], held: Mapping[str, set[str]]) -> str:
    head = "| field | kind | unit | many | N | what | authorizer | proxy |\n|---|---|---|---|---|---|---|---|\n"
    return head + "".join(row(name, info, held) for name, info in fields.items())


def page() -> str:
    held = coverage()
    parts = [HEADER, "\n## Requests: `category: request`\n\n", table(REQUEST_FIELDS, held)]
    parts += ["\n### Families\n\nEvery name with one of these beginnings is a field.\n\n"]
    parts += [table({f"{prefix}…": info for prefix, info in FIELD_FAMILIES.items()}, held)]
    parts += ["\n### Members of collections\n\nAsked together in a block: `gen_ai.messages[]: {role: user, …}`.\n\n"]
    for collection, members in COLLECTIONS.items():
        parts += [table({f"{collection}.{name}": info for name, info in members.items()}, held), "\n"]
    parts += ["### Names of Sigma's web taxonomy\n\nThey read the values of our fields. URL names read the raw target: published\n"]
    parts += ["rules hold percent escapes in their values.\n\n| Sigma | ours |\n|---|---|\n"]
    parts += [f"| `{name}` | {', '.join(f'`{field}`' for field in fields)} |\n" for name, fields in SIGMA_TAXONOMY.items()]
    parts += ["\n## An account's last minutes, hours, days: `category: account_window`\n\n"]
    parts += ["Published by `record` in a later version: shares, distinct counts and drift of one account. No field has a name yet.\n"]
    parts += ["\n## Accounts that share something: `category: group_window`\n\n"]
    parts += ["Published by `record` in a later version. Rules over these fields load and can be tested by `record:` today.\n\n"]
    parts += ["| field | kind | unit | what |\n|---|---|---|---|\n"]
    parts += [f"| `{name}` | {info.kind} | {info.unit} | {info.what} |\n" for name, info in GROUP_WINDOW.items()]
    return "".join(parts)


def test_the_page_is_the_table_that_the_code_has() -> None:
    found = page()
    if os.environ.get("OSTIARY_WRITE_GOLDEN"):
        PAGE.write_text(found, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == found, "write it anew: OSTIARY_WRITE_GOLDEN=1 pytest tests/docs/test_fields.py"


def test_every_field_of_requests_is_filled_by_a_gateway_or_says_where_it_comes_from() -> None:
    held = set[str]().union(*coverage().values())
    lacking = {name for name in REQUEST_FIELDS if name not in held and name not in BESIDE_THE_GATEWAY}
    assert lacking == set(), "no golden request has them"
    assert not set(BESIDE_THE_GATEWAY) & held
    assert [prefix for prefix in FIELD_FAMILIES if not any(name.startswith(prefix) for name in held)] == []
    members = {f"{collection}.{name}" for collection, names in COLLECTIONS.items() for name in names}
    assert members - held == set()


@pytest.mark.parametrize("prefix", ["gen_ai.", "body.", "http.request.body."])
def test_an_authorizer_fills_nothing_of_the_body(prefix: str) -> None:
    found = coverage()
    assert not any(name.startswith(prefix) for name in found["rest_authorizer"])
    assert any(name.startswith(prefix) for name in found["rest_proxy"])


def test_the_page_leads_to_sections_that_exist() -> None:
    for page in (PAGE, PAGE.with_name("language.md")):
        for target, anchor in re.findall(r"\]\((\w+\.md)?(?:#([\w-]+))?\)", page.read_text(encoding="utf-8")):
            text = (page.with_name(target) if target else page).read_text(encoding="utf-8")
            titles = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
            assert not anchor or anchor in titles, f"{page.name}: {anchor}"


def test_a_numbers_unit_is_one_of_a_few() -> None:
    infos = [*REQUEST_FIELDS.values(), *GROUP_WINDOW.values(), *(info for members in COLLECTIONS.values() for info in members.values())]
    units = {info.unit for info in infos if info.kind == "number"}
    assert units <= {"", "1", "bytes", "{token}", "{character}", "{account}", "{organization}"}
    assert {info.unit for info in infos if info.kind != "number"} == {""}
