"""YAML as we read it: 1.2's meanings, hostile files, nothing of the YAML library's raised."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ostiary.language.compile import Compiled, compile_paths
from ostiary.language.files import MAX_RULE_FILE_BYTES
from ostiary.language.nodes import Mark, Scalar
from ostiary.language.scalars import other_reading, value_of
from ostiary.language.source import Source
from ostiary.language.tree import MAX_DEPTH, MAX_DOCUMENT_NODES, parse

RULE = "title: T\nlogsource: {product: ostiary, category: request}\ndetection: {ask: {url.path: /a}, condition: ask}\n"


def kinds(done: Compiled) -> list[str]:
    return [mistake.kind for mistake in done.mistakes]


def compile_bytes(folder: Path, data: bytes) -> Compiled:
    path = folder / "rule.yaml"
    path.write_bytes(data)
    return compile_paths([path])


def read(text: str) -> tuple[Source, int]:
    source = Source("x.yaml", text.splitlines())
    return source, len(parse(source, text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("NULL", None), ("nUll", "nUll"),
        ("true", True), ("FALSE", False), ("yes", "yes"), ("on", "on"), ("No", "No"),
        ("5", 5), ("-5", -5), ("+5", 5), ("010", 10), ("0o10", 8), ("0x1F", 31), ("0b11", "0b11"), ("1_000", "1_000"),
        ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("1.5e3", 1500.0), ("12:30:00", "12:30:00"), ("2026-01-31", "2026-01-31"),
        (".inf", float("inf")), ("1e999", "1e999"), ("9" * 5000, "9" * 5000), ("-", "-"), ("+", "+"), (".", "."), ("=", "="),
    ],
)  # fmt: skip
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = value_of(Scalar(text, Mark(1, 1)))
    assert found == value
    assert type(found) is type(value)


def test_quoted_scalars_are_text() -> None:
    assert value_of(Scalar("5", Mark(1, 1), "'")) == "5"
    assert other_reading(Scalar("yes", Mark(1, 1), '"')) == ""


@given(st.text(alphabet="0123456789.+-_:eExob aAfF~nulltruyesNO<=", max_size=12))
def test_other_readings_are_those_of_a_yaml_1_1_reader(text: str) -> None:
    scalar = Scalar(text, Mark(1, 1))
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.ScalarNode) or node.value != text or node.style is not None or node.tag.startswith("!"):
            return
        theirs = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return
    ours = value_of(scalar)
    same = theirs == ours and isinstance(theirs, bool) == isinstance(ours, bool) and isinstance(theirs, str) == isinstance(ours, str)
    not_finite = (isinstance(ours, float) and ours != ours) or ours in (float("inf"), float("-inf"))
    if not not_finite:
        assert bool(other_reading(scalar)) == (not same), (text, theirs, ours)


def test_a_hundred_thousand_brackets_are_refused() -> None:
    for text in ("[" * 100_000, "{a: " * 100_000, "- " * 100_000):
        source, count = read(text)
        assert [mistake.kind for mistake in source.mistakes] == ["too-deep"]
        assert count == 0


def test_nesting_is_read_up_to_its_limit() -> None:
    source, count = read("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert (source.mistakes, count) == ([], 1)
    source, count = read("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    assert ([mistake.kind for mistake in source.mistakes], count) == (["too-deep"], 0)


def test_aliases_nest_no_deeper_than_what_they_stand_for_may() -> None:
    half = MAX_DEPTH // 2
    deep = "[" * half
    text = f"a: &a {deep}x{']' * half}\nb: {deep}*a{']' * half}\n"
    source, _ = read(text)
    assert [mistake.kind for mistake in source.mistakes] == ["too-deep"]


def test_a_billion_laughs_are_refused_where_they_become_too_many() -> None:
    lines = ["a0: &a0 [" + ",".join(["lol"] * 10) + "]"]
    lines += [f"a{n}: &a{n} [" + ",".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 10)]
    source, count = read("\n".join(lines))
    assert [(mistake.kind, mistake.line) for mistake in source.mistakes] == [("too-many-nodes", 6)]
    assert count == 0


def test_nodes_are_counted_up_to_their_limit() -> None:
    assert read("[" + "x," * (MAX_DOCUMENT_NODES - 1) + "]")[0].mistakes == []
    assert [mistake.kind for mistake in read("[" + "x," * MAX_DOCUMENT_NODES + "]")[0].mistakes] == ["too-many-nodes"]


def test_python_objects_are_never_made(tmp_path: Path) -> None:
    made = tmp_path / "made"
    done = compile_bytes(tmp_path, f"a: !!python/object/apply:os.system ['touch {made}']\n".encode())
    assert "yaml-tag" in kinds(done)
    assert not made.exists()


def test_a_file_is_read_up_to_its_limit_in_bytes(tmp_path: Path) -> None:
    head = RULE.encode() + b"# "
    assert kinds(compile_bytes(tmp_path, head + b"x" * (MAX_RULE_FILE_BYTES - len(head)))) == []
    assert kinds(compile_bytes(tmp_path, head + b"x" * (MAX_RULE_FILE_BYTES - len(head) + 1))) == ["file-size"]


def test_bytes_that_are_no_utf_8_are_refused_at_their_place(tmp_path: Path) -> None:
    done = compile_bytes(tmp_path, "title: ü".encode() + b"\xff\n")
    assert [(mistake.kind, mistake.line, mistake.column) for mistake in done.mistakes] == [("encoding", 1, 9)]


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert kinds(compile_bytes(tmp_path, b"\xef\xbb\xbf" + RULE.encode())) == []


def test_a_folder_given_the_name_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "rule.yaml").write_text(RULE)
    assert kinds(compile_paths([tmp_path])) == []
    unreadable = tmp_path / "lists"
    unreadable.mkdir()
    (unreadable / "a.yaml").symlink_to(tmp_path / "a.yaml")
    assert kinds(compile_paths([tmp_path / "x.yaml"])) == ["no-rules"]


def test_a_file_that_goes_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "rule.yaml").write_text(RULE)
    monkeypatch.setattr(Path, "read_bytes", gone)
    done = compile_paths([tmp_path])
    assert kinds(done) == ["file"]
    assert "Permission denied" in done.mistakes[0].message


def test_mistakes_of_earlier_documents_are_kept_when_a_later_one_is_no_yaml(tmp_path: Path) -> None:
    done = compile_bytes(tmp_path, RULE.replace("url.path", "url.pth").encode() + b"---\ntitle: [\n")
    assert kinds(done) == ["unknown-field", "yaml-syntax"]


FRAGMENTS = (
    ("title: T\n", "detection:\n", "  condition: ", "  a: ", "    url.path|contains: ", "logsource: {category: webserver}\n", "- ", "\n"),
    ("  ", "1 of them", "a and not b", "(", ")", "'", '"', "&a ", "*a", "!!int ", "|\n", ">\n", "? ", "{", "}", "[", "]", ",", ": ", "\t"),
    ("correlation:\n", "  type: event_count\n", "  rules: [a]\n", "  timespan: 5m\n", "ostiary: ", "tests:\n", "exemption: x\n", "---\n"),
    ("|expand", "|re", "|cidr", "|exists: true\n", "|all", "escalation: x\n", "action: global\n", "%x%", "null", "010", "yes", "\\"),
    ("\x00", "\ud7ff", "é", "\x1b", "\u2028"),
)
WORDS = st.sampled_from([fragment for row in FRAGMENTS for fragment in row])


@given(st.lists(WORDS, max_size=40).map("".join))
def test_no_text_raises(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = compile_bytes(Path(folder), text.encode())
    assert (done.ruleset is None) == bool(done.mistakes)
    for mistake in (*done.mistakes, *done.warnings):
        assert mistake.line >= 1 and mistake.column >= 1
        assert mistake.render()


@pytest.mark.parametrize("char", ["\x00", "\x0b", "\x0c", "\x1c", "\x7f", "\ufffe"])
def test_a_character_that_yaml_forbids_is_named_at_its_place(tmp_path: Path, char: str) -> None:
    done = compile_bytes(tmp_path, f"title: T\ndescription: a{char}\n".encode())
    assert [(mistake.kind, mistake.line, mistake.column) for mistake in done.mistakes] == [("yaml-character", 2, 15)]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_yaml_counts_them(tmp_path: Path, line_break: str) -> None:
    text = RULE.replace("condition: ask", "condition: aks").replace("\n", line_break)
    done = compile_bytes(tmp_path, text.encode())
    assert [(mistake.line, mistake.column) for mistake in done.mistakes] == [(3, 45)]
