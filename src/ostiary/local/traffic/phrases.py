"""A small phrase grammar, and the words that all callers share. All text is written for Ostiary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

Grammar = Mapping[str, tuple[str, ...]]
_SLOT = re.compile(r"\{([a-z_]+)\}")
WORDS: Grammar = {
    "topic": (
        "photosynthesis", "compound interest", "the Hanseatic League", "sourdough", "tides", "bicycle gears", "vaccines", "glaciers",
        "double-entry bookkeeping", "the printing press", "honeybees", "plate tectonics", "black holes", "copyright", "jazz harmony",
        "antibiotics", "supply chains", "the Silk Road", "heat pumps", "public-key encryption", "soil erosion", "stage lighting",
    ),
    "place": ("Lisbon", "Kyoto", "Ljubljana", "Valparaíso", "Tromsø", "Accra", "Hobart", "Quebec", "Tbilisi", "Porto Alegre"),
    "person": ("my sister", "a new colleague", "my landlord", "our neighbour", "a client", "my old teacher", "the team", "my son"),
    "food": ("lentil soup", "plum cake", "pickled cabbage", "flatbread", "mushroom risotto", "lemon curd", "fish stew", "dumplings"),
    "trade": ("baker", "surveyor", "nurse", "librarian", "plumber", "beekeeper", "translator", "sound engineer", "florist", "welder"),
    "thing": ("a kettle", "a tent", "a second-hand piano", "a garden shed", "a winter coat", "a telescope", "a rain barrel", "a loom"),
    "language": ("Python", "Rust", "TypeScript", "Go", "Kotlin", "SQL", "Ruby", "C#"),
    "feeling": ("calm", "curious", "hopeful", "stern", "playful", "plain", "warm", "dry"),
    "number": tuple(str(number) for number in range(3, 98, 5)),
    "product": ("dishwasher", "router", "e-bike", "thermostat", "printer", "camera", "standing desk", "water filter"),
    "company": ("Fenwick Mills", "Harbour & Sons", "Oakridge Clinic", "Bluebell Travel", "Tern Logistics", "Quarry Street Bank"),
}  # fmt: skip


def speak(rng: Random, template: str, grammar: Grammar = WORDS) -> str:
    """Fill every ``{slot}`` from the grammar, or from ``WORDS``; what fills a slot may have slots itself.

    >>> speak(Random(1), "I like {drink}.", {"drink": ("tea",)})
    'I like tea.'
    """

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        return speak(rng, rng.choice(grammar[name] if name in grammar else WORDS[name]), grammar)

    return _SLOT.sub(fill, template)


def numbered(rng: Random, stem: str, count: int) -> list[str]:
    """Names such as ``acct-chat-4f2a``: the same for the same generator, without a meaning."""
    return [f"{stem}-{rng.randrange(16**4):04x}{index:02d}" for index in range(count)]
