"""Settings: the environment read once; what is wrong is named by its variable."""

from __future__ import annotations

import pytest

from ostiary.settings import Settings
from ostiary.vocabulary.errors import SettingsError

GOOD = {"OSTIARY_IDENTIFIER_KEY": "0123456789abcdef"}


def test_defaults_monitor_and_fail_open() -> None:
    settings = Settings.from_environment(GOOD)
    assert (settings.mode, settings.on_error, settings.deadline) == ("monitor", "open", 0.35)


def test_lists_and_numbers_are_read() -> None:
    settings = Settings.from_environment(
        GOOD | {"OSTIARY_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::/32", "OSTIARY_READ_MS": "200", "OSTIARY_UPSTREAM": "http://u/"}
    )
    assert settings.trusted_proxies == ("10.0.0.0/8", "2001:db8::/32")
    assert (settings.read_timeout, settings.upstream) == (0.2, "http://u")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OSTIARY_IDENTIFIER_KEY", "short", "at least 16"),
        ("OSTIARY_MODE", "block", "one of monitor, enforce"),
        ("OSTIARY_MODE", "enforce", "OSTIARY_APPEAL is empty"),
        ("OSTIARY_ON_ERROR", "half", "one of open, closed"),
        ("OSTIARY_DEADLINE_MS", "soon", "must be a number"),
        ("OSTIARY_DEADLINE_MS", "-1", "above zero"),
        ("OSTIARY_DEADLINE_MS", "inf", "above zero"),
        ("OSTIARY_TRUSTED_PROXIES", "10.0.0.1/8", "no CIDR network"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        Settings.from_environment(GOOD | {variable: value})
    assert variable in str(raised.value) or "OSTIARY_APPEAL" in str(raised.value)
