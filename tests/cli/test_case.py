"""How ``ostiary case`` names accounts and lays out a Case; what it does is tested with the escalation."""

import json

import pytest
from typer.testing import CliRunner

import ostiary.cli.deployed as deployment
from ostiary.cli import app
from ostiary.cli.deployed import Deployed
from ostiary.settings import Settings
from ostiary.stores.memory import MemoryCaseStore, MemoryStateStore, MemoryVerdictStore
from ostiary.vocabulary.case import Action, Case, CaseStep

SETTINGS = Settings(identifier_key="0123456789abcdef")
RULES = ("Templated harvest of answers", "Asks for log probabilities")
NOTE = "contract 4411, an evaluation harness that was announced"
CAUSE = "Templated harvest of answers|account#a%23b|19675"


def case(account):
    steps = tuple(
        CaseStep(n, 1.7e9 + n, stage, "restrict", CAUSE, production, RULES, n, by, note)
        for n, stage, production, by, note in (
            (1, "watch", "restrict-after-two", "escalate", ""),
            (2, "restrict", "", "dana@example.com", NOTE),
        )
    )
    return Case(account, 2, "restrict", 1.8e9, 2, 0.0, RULES, (), 1.7e9, 1.7e9, steps)


@pytest.fixture
def run(monkeypatch):
    """Runs ``ostiary case`` on a terminal of 80 columns, where an account and an address have a Case."""
    cases = MemoryCaseStore(SETTINGS)
    for key in ("account#a%23b", "address#192.0.2.7"):
        cases.commit(case(key), 0, [Action(f"{key}#2#notice", "notice", key, 2, 1.7e9)])
    stores = Deployed(SETTINGS, MemoryStateStore(SETTINGS), MemoryVerdictStore(SETTINGS), cases)
    monkeypatch.setattr(deployment, "deployed", lambda: stores)
    monkeypatch.setenv("COLUMNS", "80")

    def invoke(*words):
        result = CliRunner().invoke(app, ["case", *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    return invoke


def test_an_account_is_named_by_its_id_and_the_key_stands_beside_it(run):
    listed = json.loads(run("list", "--format", "json"))
    assert {found["account"]: found["principal"] for found in listed} == {
        "a#b": "account#a%23b",
        "address#192.0.2.7": "address#192.0.2.7",
    }
    shown = json.loads(run("show", "a#b", "--format", "json"))
    for found in (shown["case"], *shown["waiting"]):
        assert (found["account"], found["principal"]) == ("a#b", "account#a%23b")
    assert len(shown["waiting"]) == 1


def test_text_names_an_account_by_its_id_too(run):
    listed, shown = run("list", "--format", "text"), run("show", "a#b", "--format", "text")
    assert "a#b" in listed and "account#" not in listed
    assert shown.splitlines()[0] == "restrict  a#b"
    assert run("release", "a#b", "--by", "dana", "--note", "why", "--format", "text").startswith("a#b is released")


def test_at_80_columns_a_history_is_folded_and_nothing_is_cut(run):
    shown = run("show", "a#b", "--format", "text")
    assert max(map(len, shown.splitlines())) <= 80 and "…" not in shown
    squeezed = column_texts(shown)
    for text in (CAUSE, "restrict-after-two", "dana@example.com", NOTE, "wouldberestrict", "2023-11-14", *RULES):
        assert text.replace(" ", "") in squeezed, text


def test_at_80_columns_the_list_is_folded_and_nothing_is_cut(run):
    listed = run("list", "--format", "text")
    assert max(map(len, listed.splitlines())) <= 80 and "…" not in listed
    for text in ("address#192.0.2.7", *RULES):
        assert text.replace(" ", "") in column_texts(listed)


def column_texts(shown):
    """What each column of the table says from top to bottom, without spaces: a folded cell in one piece."""
    lines = shown.splitlines()
    rule = next(n for n, line in enumerate(lines) if set(line.strip()) == {"─"})
    head = lines[rule - 1]
    starts = [n for n in range(len(head)) if head[n] != " " and (n == 0 or head[n - 2 : n].strip() == "")]
    ends = [*starts[1:], 80]
    # Numbers stand to the right, under the end of their head; no text is taken apart by that.
    return "|".join("".join(line[a:b].replace(" ", "") for line in lines[rule + 1 :]) for a, b in zip(starts, ends, strict=True))
