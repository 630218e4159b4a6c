"""Lists: the operator's own values, in place of ``%name%``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ostiary.language.compile import Compiled, compile_paths
from ostiary.language.placeholders import MAX_EXPANDED_VALUES
from ostiary.vocabulary.plan import All, Constant, Equals, Glob, Network, Plan, Regex, Some, Wild

ANY = Wild.ANY
Compile = Callable[..., Compiled]


def rule(item: str) -> str:
    return f"title: T\nlogsource: {{product: ostiary, category: request}}\ndetection:\n  sel:\n    {item}\n  condition: sel\n"


def plan(done: Compiled) -> Plan | None:
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    return done.ruleset.rules[0].plan


def test_on_an_address_field_a_list_compares_networks(compiled: Compile) -> None:
    files = {"rule.yaml": rule("client.address|expand: '%nets%'"), "lists/nets.txt": "192.0.2.0/24\n# note\n\n2001:db8::1\n"}
    assert plan(compiled(files)) == Network("client.address", ("192.0.2.0/24", "2001:db8::1/128"))


def test_sigma_s_address_fields_compare_networks_too(compiled: Compile) -> None:
    text = rule("src_ip|cidr|expand: '%nets%'").replace("product: ostiary, category: request", "category: proxy")
    assert plan(compiled({"rule.yaml": text, "lists/nets.cidr": "192.0.2.0/24 # documentation\n"})) == Network("src_ip", ("192.0.2.0/24",))


def test_a_text_list_is_literal_and_a_yaml_list_has_wildcards(compiled: Compile) -> None:
    files = {"rule.yaml": rule("http.route|expand: '/x/%words%'"), "lists/words.txt": "a*\nb\n"}
    assert plan(compiled(files)) == Equals("http.route", ("/x/a*", "/x/b"))
    files = {"rule.yaml": rule("http.route|expand: '/x/%terms%'"), "lists/terms.yaml": "list: terms\nowner: dana\nvalues: ['a*', 5]\n"}
    assert plan(compiled(files)) == Some((Glob("http.route", ("/x/a", ANY)), Equals("http.route", ("/x/5",))))


def test_expand_stands_before_or_after_other_modifiers(compiled: Compile) -> None:
    expected = Some((Glob("http.route", (ANY, "a", ANY)), Glob("http.route", (ANY, "b", ANY))))
    for words in ("contains|expand", "expand|contains"):
        assert plan(compiled({"rule.yaml": rule(f"http.route|{words}: '%words%'"), "lists/words.txt": "a\nb\n"})) == expected
    both = All((Glob("http.route", (ANY, "a", ANY)), Glob("http.route", (ANY, "b", ANY))))
    assert plan(compiled({"rule.yaml": rule("http.route|contains|all|expand: '%words%'"), "lists/words.txt": "a\nb\n"})) == both


def test_several_placeholders_stand_for_every_choice(compiled: Compile) -> None:
    files = {"rule.yaml": rule("http.route|expand: '%a%-%b%'"), "lists/a.txt": "1\n2\n", "lists/b.txt": "x\ny\n"}
    assert plan(compiled(files)) == Equals("http.route", ("1-x", "1-y", "2-x", "2-y"))


def test_an_escaped_percent_sign_is_no_placeholder(compiled: Compile) -> None:
    files = {"rule.yaml": rule(r"http.route|expand: '\%plain%a%'"), "lists/a.txt": "1\n"}
    assert plan(compiled(files)) == Equals("http.route", ("%plain1",))


def test_percent_signs_without_expand_are_text(compiled: Compile) -> None:
    assert plan(compiled(rule("http.route: '%a%'"))) == Equals("http.route", ("%a%",))


def test_an_empty_list_matches_nothing_and_says_so(compiled: Compile) -> None:
    done = compiled({"rule.yaml": rule("http.route|expand: '%none%'"), "lists/none.txt": "# nothing yet\n"})
    assert plan(done) == Constant(False)
    assert [warning.kind for warning in done.warnings] == ["empty-list"]


def test_expand_without_a_placeholder_is_a_warning(compiled: Compile) -> None:
    done = compiled(rule("http.route|expand: plain"))
    assert plan(done) == Equals("http.route", ("plain",))
    assert [warning.kind for warning in done.warnings] == ["no-placeholder"]


def test_an_expired_list_is_a_warning(compiled: Compile) -> None:
    text = "list: words\nowner: dana\nexpires: {}\nvalues: [a]\n"
    files = {"rule.yaml": rule("http.route|expand: '%words%'"), "lists/words.yaml": text.format("2026-01-01")}
    assert [warning.kind for warning in compiled(files).warnings] == ["list-expired"]
    files["lists/words.yaml"] = text.format("2099-01-01")
    assert compiled(files).warnings == ()


def test_the_texts_of_one_value_are_bounded(compiled: Compile) -> None:
    many = "\n".join(map(str, range(400)))
    files = {"rule.yaml": rule("http.route|expand: '%a%-%a%'"), "lists/a.txt": many}
    assert MAX_EXPANDED_VALUES < 400 * 400
    assert [mistake.kind for mistake in compiled(files).mistakes] == ["expand-size"]


def test_a_file_finds_the_lists_of_its_pack(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "words.txt").write_text("a\n")
    path = tmp_path / "topic" / "rule.yaml"
    path.parent.mkdir()
    path.write_text(rule("http.route|expand: '%words%'"))
    assert plan(compile_paths([path])) == Equals("http.route", ("a",))


def test_a_list_s_values_are_plain_text_within_an_expression(compiled: Compile) -> None:
    done = compiled({"rule.yaml": rule("url.path|re|expand: '^/(?:%words%)$'"), "lists/words.txt": "a.b\nc|d\n"})
    assert done.ruleset is not None, [mistake.render() for mistake in done.mistakes]
    assert done.ruleset.rules[0].plan == Some((Regex("url.path", r"^/(?:a\.b)$"), Regex("url.path", r"^/(?:c\|d)$")))


def test_a_list_that_a_published_rule_lacks_keeps_it_from_being_evaluated(compiled: Compile) -> None:
    text = rule("cs-method|expand: '%methods%'").replace("product: ostiary, category: request", "category: webserver")
    done = compiled(text, foreign_fields=True)
    assert done.ruleset is not None
    assert done.ruleset.rules[0].plan == Constant(False)
    assert [warning.kind for warning in done.warnings] == ["unknown-list"]
    (reason,) = done.never.values()
    assert (reason.kind, reason.names) == ("list", ("methods",))
