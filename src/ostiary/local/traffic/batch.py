"""A nightly batch job: one template with private slots, temperature 0, without pauses, from one address. It looks like a harvest."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ostiary.local.traffic import clockwork
from ostiary.local.traffic.caller import Caller, Line
from ostiary.local.traffic.phrases import Grammar, speak

REQUESTS = 320
START = 2 * clockwork.HOUR
EVERY = 2.0
"""Seconds between two requests: 30 a minute."""
TEMPLATE = (
    "Classify the following support ticket into exactly one of: billing, delivery, defect, praise, other. "
    "Then extract the product and the place as JSON.\n\nTicket {ticket}:\n{text}"
)
GRAMMAR: Grammar = {
    "ticket_text": (
        "{greeting} the {product} that I bought from {company} stopped after {number} days. {wish}",
        "{greeting} I was charged twice for the {product}, order {number}{number}. {wish}",
        "{greeting} your driver left the {product} in {place} though I live somewhere else. {wish}",
        "{greeting} just a word of thanks: the {product} works better than {thing} ever did.",
    ),
    "greeting": ("Hello,", "Dear team,", "Good evening,", "To whom it may concern,", "Hi there,"),
    "wish": ("Please send a new one.", "I want my money back.", "What shall I do?", "Call me, or write."),
}


def requests(rng: Random) -> Iterator[Line]:
    """One account on the batch plan, from two in the morning on."""
    caller = Caller("acct-batch-51d0", "batch", "192.0.2.90", "batch")
    for number, moment in enumerate(clockwork.steady(rng, START, REQUESTS, EVERY)):
        prompt = TEMPLATE.format(ticket=40_000 + number, text=speak(rng, "{ticket_text}", GRAMMAR))
        yield caller.chat(moment, [prompt], temperature=0, max_tokens=120, seed=7, response_format={"type": "json_object"})
