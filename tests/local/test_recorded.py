import json

import pytest

from ostiary.local.recorded import START, UNSAID_ADDRESS, read


def line(**values):
    return json.dumps({"time": 0, "path": "/v1/messages", **values})


def test_a_full_line_becomes_a_request_with_facts_by_their_full_names():
    recording = read(
        [
            line(
                time=1.5,
                account="acct-1",
                key="sk-1",
                address="2001:db8::1",
                method="PUT",
                headers={"User-Agent": "curl/8", "Accept": ["a", "b"]},
                body={"messages": []},
                facts={"plan": "free", "account.age_days": 3},
            )
        ]
    )
    (request,) = recording.requests
    assert request.time == START + 1.5
    assert (request.account, request.key, request.address, request.method) == ("acct-1", "sk-1", "2001:db8::1", "PUT")
    assert request.headers == (("user-agent", "curl/8"), ("accept", "a"), ("accept", "b"), ("content-type", "application/json"))
    assert json.loads(request.body) == {"messages": []}
    assert request.facts == {"account.plan": "free", "account.age_days": 3}
    assert recording.bad == ()


def test_what_a_line_leaves_out_has_a_documented_value():
    (with_body, without) = read([line(body="plain text"), line()]).requests
    assert (with_body.method, with_body.headers, with_body.body) == ("POST", (), "plain text")
    assert (without.method, without.body, without.address, without.facts, without.account) == ("GET", None, UNSAID_ADDRESS, None, None)


def test_requests_come_in_the_order_of_their_times_and_of_their_lines_within_one_time():
    recording = read([line(time=2, path="/c"), line(time=1, path="/a"), line(time=1, path="/b")])
    assert [request.path for request in recording.requests] == ["/a", "/b", "/c"]
    assert [request.number for request in recording.requests] == [2, 3, 1]


def test_an_rfc_3339_time_is_taken_with_its_offset():
    (request,) = read([line(time="2026-01-05T02:00:00+02:00")]).requests
    assert request.time == START


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON: Expecting property name"),
        ("[1]", "expected an object, got list"),
        (b"\xff{}", "not UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        (line(time=None), "time: missing"),
        (line(time="soon"), "neither a number of seconds nor RFC 3339"),
        (line(time="2026-01-05T00:00:00"), "no offset from UTC"),
        (line(time="1969-12-31T00:00:00Z"), "outside 1970 to 9999"),
        (line(time=True), "expected seconds or RFC 3339, got bool"),
        ('{"time": NaN, "path": "/"}', "no number of seconds"),
        (line(time=-1), "no number of seconds"),
        (line(time=10**400), "no number of seconds"),
        (line(path=None), "path"),
        (line(path="v1"), "starts with a slash"),
        (line(path="/a b"), "holds no spaces"),
        (line(method="GET /"), "no HTTP method"),
        (line(account=7), "account: expected a string, got int"),
        (line(account="é" * 400), "at most 2048 bytes"),
        (line(account=" acct-1"), "no spaces"),
        (line(address="nowhere"), "no IP address"),
        (line(headers=["x"]), "headers: expected an object"),
        (line(headers={"a b": "c"}), "no header name"),
        (line(headers={"a": "b\r\nc: d"}), "one line of text"),
        (line(headers={"a": 1}), "one line of text"),
        (line(body="\ud800"), "surrogate"),
        (line(facts=[1]), "facts: expected an object"),
        (line(facts={"plan": {}}), "plan must be"),
        (line(facts={"plan": "x" * 5000}), "5000 characters"),
        (line(facts={"age": 1e300}), "no number up to"),
        ('{"time": 0, "path": "/", "facts": {"age": NaN}}', "no number up to"),
        (line(facts={f"f{n}": n for n in range(101)}), "101, over 100"),
    ],
)
def test_a_bad_line_is_named_with_its_reason_and_the_others_are_played(text, why):
    recording = read([line(), text, line()])
    assert [request.number for request in recording.requests] == [1, 3]
    ((mishap),) = recording.bad
    assert mishap.number == 2
    assert why in mishap.why


def test_half_a_surrogate_pair_in_a_json_body_is_sent_escaped_as_a_client_would():
    (request,) = read([line(body={"text": "\ud800"})]).requests
    assert request.body == '{"text": "\\ud800"}'


def test_a_body_of_other_scripts_is_sent_as_it_is():
    (request,) = read([line(body={"text": "žluť 鎖"})]).requests
    assert "žluť 鎖" in request.body


def test_blank_lines_are_skipped_but_counted_in_the_numbers():
    recording = read(["", "  \n", line(), b"\n"])
    assert [request.number for request in recording.requests] == [3]
    assert recording.bad == ()


def test_an_unknown_key_is_told_once_and_the_line_is_played():
    recording = read([line(), line(adress="192.0.2.9"), line(adress="192.0.2.9")])
    assert len(recording.requests) == 3
    assert recording.ignored == {"adress": 2}


def test_objects_are_taken_as_well_as_lines():
    (request,) = read([{"time": 3, "path": "/x", "method": "GET"}]).requests
    assert (request.time, request.path) == (START + 3, "/x")
