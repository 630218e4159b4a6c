"""Rule files made to do harm: each is refused with a place and a reason, in time, or has the documented meaning."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.language.compile import Compiled, compile_paths
from ostiary.language.expressions import MAX_EXPRESSION_CHARS
from ostiary.language.files import MAX_RULE_FILE_BYTES
from ostiary.matching.evaluate import Evaluator
from ostiary.ruleset.active import Active
from ostiary.ruleset.artefact import dump, load, sealed
from ostiary.vocabulary.errors import ArtefactError
from ostiary.vocabulary.plan import Equals

Compile = Callable[..., Compiled]
HEAD = "title: T\nlogsource: {category: webserver}\n"
RULE = HEAD + "detection: {sel: {f: x}, condition: sel}\n"


def with_item(item: str) -> str:
    return f"{HEAD}detection:\n  sel:\n    {item}\n  condition: sel\n"


def kinds(done: Compiled) -> list[str]:
    for mistake in done.mistakes:
        assert mistake.line >= 1 and mistake.column >= 1 and mistake.message
    return [mistake.kind for mistake in done.mistakes]


def matches(done: Compiled, value: str) -> bool:
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    return bool(Evaluator(done.ruleset).evaluate({"f": value}, {}))


# Regular expressions (B33)


@pytest.mark.parametrize("expression", ["(a+)+$", "(.*)*x", "(a|aa)+$", "(a|a?)+y", "(x+x+)+y"])
def test_b33_an_expression_that_backtracks_elsewhere_runs_in_linear_time(compiled: Compile, expression: str) -> None:
    """Half a million characters against a backtracking engine would not end."""
    done = compiled(with_item(f"f|re: '{expression}'"), foreign_fields=True)
    assert not matches(done, "a" * 500_000 + "!")


def test_b33_ten_thousand_alternatives_are_refused_by_length_or_loaded(compiled: Compile) -> None:
    words = [f"w{number:04}" for number in range(10_000)]
    assert kinds(compiled(with_item(f"f|re: '{'|'.join(words)}'"), foreign_fields=True)) == ["expression-size"]
    fitting = "|".join(words)[: MAX_EXPRESSION_CHARS - 5].rpartition("|")[0]
    assert matches(compiled({"rule.yaml": with_item(f"f|re: '{fitting}'")}, foreign_fields=True), "xw0000x")


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        (r"(a)\1", "expression-back-reference"), (r"(?P<n>a)(?P=n)", "expression-back-reference"),
        ("(?<=a)b", "expression-look-around"), ("(?<!a)b", "expression-look-around"), ("a(?=b)", "expression-look-around"),
        ("((a{1,1000}){1,1000}){1,1000}", "expression"), ("(", "expression"), ("[z-a]", "expression"), ("a**", "expression"),
    ],
)  # fmt: skip
def test_b33_what_is_not_linear_or_no_expression_is_refused_with_its_reason(compiled: Compile, expression: str, kind: str) -> None:
    done = compiled(with_item(f"f|re: '{expression}'"), foreign_fields=True)
    assert kinds(done) == [kind]
    assert (done.mistakes[0].line, done.mistakes[0].column) == (5, 11)


# Files and their YAML (B34)


def test_b34_a_billion_laughs_are_refused_with_a_place(compiled: Compile) -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 12)]
    assert kinds(compiled("\n".join(lines))) == ["too-many-nodes"]


@pytest.mark.parametrize("tag", ["!!python/object:os.system", "!!python/object/apply:os.system", "!!python/name:os.x", "!evil"])
def test_b34_tags_make_no_objects(compiled: Compile, tag: str) -> None:
    assert "yaml-tag" in kinds(compiled(f"title: {tag} [x]\n{RULE}".replace("title: T\n", "")))


def test_b34_a_file_of_fifty_megabytes_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rule.yaml"
    with path.open("wb") as file:
        file.truncate(50 << 20)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read"))
    (mistake,) = compile_paths([tmp_path]).mistakes
    assert mistake.kind == "file-size"
    assert str(MAX_RULE_FILE_BYTES) in mistake.message


def test_b34_keys_that_are_there_twice_are_refused_at_the_second(compiled: Compile) -> None:
    done = compiled(RULE + "title: Other\n")
    assert [(mistake.kind, mistake.line) for mistake in done.mistakes] == [("duplicate-key", 4)]


def test_b34_tabs_are_named(compiled: Compile) -> None:
    assert kinds(compiled("title: T\ndetection:\n\tsel: x\n")) == ["yaml-tab"]


@pytest.mark.parametrize(
    ("written", "text"),
    [("NO", "NO"), ("on", "on"), ("off", "off"), ("1_000", "1_000"), ("0777", "777"), ("12:30:00", "12:30:00")],
)
def test_b34_what_yaml_1_1_reads_otherwise_is_a_mistake_in_ours_and_a_warning_in_others(compiled: Compile, written: str, text: str) -> None:
    done = compiled(with_item(f"f: {written}"), foreign_fields=True)
    assert done.ruleset is not None
    assert done.ruleset.rules[0].plan == Equals("f", (text,))
    assert [warning.kind for warning in done.warnings] == ["ambiguous-scalar"]
    ours = with_item(f"url.path: {written}").replace("category: webserver", "product: ostiary, category: request")
    assert kinds(compiled(ours)) == ["ambiguous-scalar"]


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)), b"\x00" * 1000, b"\x7fELF" + b"\x01" * 100, b"\xff\xfe" + RULE.encode("utf-16-le"),
        b"\xfe\xff" + RULE.encode("utf-16-be"),
        RULE.encode("utf-16-le"), b"\x80", b"[" * 100_000, b"{" * 100_000, b"- " * 100_000, b"&a " * 1000, b"*" * 1000, b"? " * 10_000,
        b"'" * 999,
    ],
)  # fmt: skip
def test_b34_what_is_no_rule_is_refused_and_nothing_is_raised(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "rule.yaml").write_bytes(data)
    assert kinds(compile_paths([tmp_path]))


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_b34_byte_order_marks_and_line_breaks_mean_nothing(tmp_path: Path, line_break: str, mark: bytes) -> None:
    (tmp_path / "rule.yaml").write_bytes(mark + RULE.replace("\n", line_break).encode())
    done = compile_paths([tmp_path], foreign_fields=True)
    assert done.ruleset is not None
    assert done.ruleset.rules[0].plan == Equals("f", ("x",))


# Compiled Rulesets (B35)


@pytest.fixture
def artefact(compiled: Compile) -> bytes:
    done = compiled(RULE, foreign_fields=True)
    assert done.ruleset is not None
    return dump(done.ruleset)


def never_active(artefact: bytes, data: bytes) -> None:
    last_good = load(artefact)
    active = Active(last_good)
    with pytest.raises(ArtefactError):
        active.offer(data)
    assert active.ruleset is last_good


def test_b35_a_truncated_ruleset_never_becomes_active(artefact: bytes) -> None:
    for length in range(len(artefact)):
        never_active(artefact, artefact[:length])


def test_b35_a_ruleset_with_a_flipped_byte_never_becomes_active(artefact: bytes) -> None:
    chosen = random.Random(35)
    for place in range(len(artefact)):
        damaged = bytearray(artefact)
        damaged[place] ^= chosen.randrange(1, 256)
        never_active(artefact, bytes(damaged))


def test_b35_a_ruleset_with_another_digest_or_a_newer_format_never_becomes_active(artefact: bytes) -> None:
    never_active(artefact, artefact[:20] + bytes(32) + artefact[52:])
    never_active(artefact, artefact[:8] + (2).to_bytes(4, "big") + artefact[12:])


# Large, deep and circular rules (B36)


def test_b36_a_thousand_values_load(compiled: Compile) -> None:
    values = [f"value {number}" for number in range(1_000)]
    done = compiled(with_item(f"f: {values}"), foreign_fields=True)
    assert done.ruleset is not None
    assert done.ruleset.rules[0].plan == Equals("f", tuple(values))


def test_b36_a_condition_a_hundred_deep_loads_and_a_deeper_one_is_refused(compiled: Compile) -> None:
    def nested(depth: int) -> Compiled:
        return compiled(
            RULE.replace("condition: sel", f"condition: '{'not (' * (depth // 2)}sel{')' * (depth // 2)}'"), foreign_fields=True
        )

    assert matches(nested(100), "x")
    assert kinds(nested(102)) == ["condition-depth"]
    assert kinds(nested(200_000)) == ["condition-depth"]


@pytest.mark.parametrize(("rules", "kind"), [("[c]", "correlation-cycle"), ("[d]", "correlation-cycle"), ("[nowhere]", "unknown-rule")])
def test_b36_a_correlation_of_itself_or_of_nothing_is_refused_by_name(compiled: Compile, rules: str, kind: str) -> None:
    count = "{{type: event_count, rules: {1}, group-by: [account.id], timespan: 1h, condition: {{gte: 3}}}}"
    text = "title: {0}\nname: {0}\ncorrelation: " + count + "\n"
    done = compiled(text.format("c", rules) + "---\n" + text.format("d", "[c]"))
    assert kinds(done) == [kind]


def test_b36_an_artefact_of_a_large_pack_is_the_one_that_was_compiled(compiled: Compile) -> None:
    documents = [RULE.replace("title: T", f"title: T{number}").replace("f: x", f"f|contains: '{number}'") for number in range(1_000)]
    done = compiled("---\n".join(documents), foreign_fields=True)
    assert done.ruleset is not None
    assert sealed(load(dump(done.ruleset))) == done.ruleset


def test_what_a_mistake_says_of_a_long_value_is_short(compiled: Compile) -> None:
    done = compiled(RULE.replace("title: T", f"status: {'x' * 5_000}\ntitle: T"))
    assert all(len(re.sub(r"(?m)^  [|=].*$", "", mistake.render())) < 500 for mistake in done.mistakes)
