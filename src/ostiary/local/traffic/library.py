"""People who paste templates of a public prompt library: many accounts share one text, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ostiary.local.traffic import clockwork
from ostiary.local.traffic.caller import NODE_KIT, Caller, Line
from ostiary.local.traffic.phrases import numbered, speak

ACCOUNTS = 12
PROMPTS = (6, 14)
LIBRARY = (
    "I want you to act as a {trade}. I describe a situation and you answer as that person would. My first sentence: {thing} is broken.",
    "Act as my language partner. Correct my sentences and explain your reasoning step by step. First: I am in {place} since {number} days.",
    "I want you to act as a prompt generator for pictures. Describe {place} in a {feeling} style with many details.",
    "Improve this prompt so that an assistant understands it better: write something {feeling} about {topic}.",
    "You are a travel guide. I am in {place} and like {topic}. Suggest {number} places, numbered.",
    "Act as an interviewer for the post of a {trade}. Ask me one question at a time and wait for my answer.",
    "I want you to act as a mathematics teacher. Explain {topic} with worked examples and show each step.",
)


def requests(rng: Random) -> Iterator[Line]:
    """Unrelated accounts, most of them new or on the free plan."""
    for index, account in enumerate(numbered(rng, "acct-library", ACCOUNTS)):
        caller = Caller(account, "library", f"192.0.2.{140 + index}", rng.choice((None, "free", "pro")), NODE_KIT)
        for moment in clockwork.people(rng, rng.randint(*PROMPTS)):
            yield caller.chat(moment, [speak(rng, rng.choice(LIBRARY))], temperature=1.0)
