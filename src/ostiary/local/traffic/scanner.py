"""A scanner without an account: ordinary web attacks, from one address."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ostiary.local.traffic import clockwork
from ostiary.local.traffic.caller import Line

REQUESTS = 48
START = 3.3 * clockwork.HOUR
EVERY = 0.7
PATHS = (
    "/.env",
    "/.git/config",
    "/wp-login.php",
    "/v1/files/..%2f..%2f..%2fetc%2fpasswd",
    "/v1/models?id=1%27%20OR%20%271%27=%271",
    "/v1/models?q=%3Cscript%3Ealert(1)%3C/script%3E",
    "/phpmyadmin/index.php",
    "/v1/models?name=%7B%7B7*7%7D%7D",
    "/v1/models",
)


def requests(rng: Random) -> Iterator[Line]:
    """Half a minute of guesses; a line without an account and a key."""
    for moment in clockwork.steady(rng, START, REQUESTS, EVERY):
        agent = {"user-agent": "Mozilla/5.0 (compatible; Nuclei - Open-source project)"}
        yield {"time": round(moment, 3), "address": "192.0.2.240", "method": "GET", "path": rng.choice(PATHS), "headers": agent}
