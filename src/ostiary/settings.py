"""Settings: the environment, read once into frozen data. Every variable starts with ``OSTIARY_``; ``docs/settings.md`` lists them."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from ostiary.vocabulary.errors import SettingsError
from ostiary.vocabulary.rule import Mode, OnError

MIN_IDENTIFIER_KEY_CHARS = 16
DEADLINE_SECONDS = 0.350
"""All that the store may cost a request (design: one deadline for everything)."""
CONNECT_SECONDS = 0.100
READ_SECONDS = 0.150


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process needs to know of where it runs. Defaults are those of a local machine."""

    state_table: str = "ostiary-state"
    verdict_table: str = "ostiary-verdicts"
    case_table: str = "ostiary-cases"
    findings_queue: str = ""
    """URL of the FIFO queue from ``record`` to ``escalate``."""
    notice_topic: str = ""
    """ARN of the SNS topic for notices; empty: none."""
    notice_bus: str = ""
    """Name of the EventBridge bus for notices; empty: none."""
    region: str = "us-east-1"
    endpoint: str = ""
    """Base URL of all AWS services (a local stack); empty: AWS itself."""
    ruleset: Path = Path("ruleset.ostiary")
    mode: Mode = "monitor"
    """Used until ``ostiary mode`` has written the kill switch."""
    on_error: OnError = "open"
    """What a request gets when a gateway's event is wrong or the store fails, unless a rule says otherwise: closed wins."""
    identifier_key: str = ""
    """Secret of the keyed hashes (credential ids). At least 16 characters."""
    trusted_proxies: tuple[str, ...] = ()
    """CIDR networks of proxies whose X-Forwarded-For entries are believed, counted from the right."""
    account_claims: tuple[str, ...] = ("account_id", "claims.sub", "principalId")
    """Where a verified account stands in the gateway's authorizer context; the first that is there."""
    appeal: str = ""
    """URL or mail address where an account holder can appeal. Enforcing needs it."""
    upstream: str = ""
    """Base URL that ``proxy`` forwards to."""
    allowed_origins: tuple[str, ...] = ("*",)
    """Origins for the CORS headers of refusals."""
    deadline: float = DEADLINE_SECONDS
    connect_timeout: float = CONNECT_SECONDS
    read_timeout: float = READ_SECONDS
    local_share: float = 0.1
    """Share of every limit that one process admits by itself while the store fails."""
    verdict_days: int = 90
    """Days until a verdict expires."""

    @staticmethod
    def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
        """Reads ``OSTIARY_*`` and ``AWS_REGION``; raises ``SettingsError`` that names the variable and what it must be."""
        read = _Reader(environ)
        settings = Settings(
            state_table=read.text("STATE_TABLE", "ostiary-state"),
            verdict_table=read.text("VERDICT_TABLE", "ostiary-verdicts"),
            case_table=read.text("CASE_TABLE", "ostiary-cases"),
            findings_queue=read.text("FINDINGS_QUEUE", ""),
            notice_topic=read.text("NOTICE_TOPIC", ""),
            notice_bus=read.text("NOTICE_BUS", ""),
            region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1",
            endpoint=read.text("ENDPOINT", environ.get("AWS_ENDPOINT_URL", "")),
            ruleset=Path(environ.get("LAMBDA_TASK_ROOT", "."), read.text("RULESET", "ruleset.ostiary")),
            mode=read.choice("MODE", "monitor", get_args(Mode)),  # type: ignore[arg-type]
            on_error=read.choice("ON_ERROR", "open", get_args(OnError)),  # type: ignore[arg-type]
            identifier_key=read.text("IDENTIFIER_KEY", ""),
            trusted_proxies=read.networks("TRUSTED_PROXIES"),
            account_claims=read.words("ACCOUNT_CLAIMS", ("account_id", "claims.sub", "principalId")),
            appeal=read.text("APPEAL", ""),
            upstream=read.text("UPSTREAM", "").rstrip("/"),
            allowed_origins=read.words("ALLOWED_ORIGINS", ("*",)),
            deadline=read.number("DEADLINE_MS", DEADLINE_SECONDS * 1000) / 1000,
            connect_timeout=read.number("CONNECT_MS", CONNECT_SECONDS * 1000) / 1000,
            read_timeout=read.number("READ_MS", READ_SECONDS * 1000) / 1000,
            local_share=read.number("LOCAL_SHARE", 0.1),
            verdict_days=int(read.number("VERDICT_DAYS", 90)),
        )
        settings.validate()
        return settings

    def validate(self) -> None:
        """Raises ``SettingsError`` for what can't work: no secret, or enforcing without an appeal address."""
        if len(self.identifier_key) < MIN_IDENTIFIER_KEY_CHARS:
            raise SettingsError(
                f"OSTIARY_IDENTIFIER_KEY has {len(self.identifier_key)} characters; "
                f"set a random secret of at least {MIN_IDENTIFIER_KEY_CHARS}"
            )
        if self.mode == "enforce" and not self.appeal:
            raise SettingsError("OSTIARY_MODE is enforce but OSTIARY_APPEAL is empty; say where account holders can appeal, or use monitor")


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(f"OSTIARY_{name}", default).strip()

    def words(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        text = self.text(name, "")
        return tuple(word.strip() for word in text.split(",") if word.strip()) if text else default

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        text = self.text(name, default)
        if text not in allowed:
            raise SettingsError(f"OSTIARY_{name} is {text!r}; it must be one of {', '.join(allowed)}")
        return text

    def number(self, name: str, default: float) -> float:
        text = self.text(name, str(default))
        try:
            number = float(text)
        except ValueError:
            raise SettingsError(f"OSTIARY_{name} is {text!r}; it must be a number") from None
        if not 0 < number < float("inf"):
            raise SettingsError(f"OSTIARY_{name} is {text}; it must be above zero")
        return number

    def networks(self, name: str) -> tuple[str, ...]:
        found = self.words(name, ())
        for network in found:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise SettingsError(f"OSTIARY_{name}: {network!r} is no CIDR network ({error})") from None
        return found
