"""An evaluation harness: question templates with answer choices, temperature 0, many at a time. It looks like a harvest."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from ostiary.local.traffic import clockwork
from ostiary.local.traffic.caller import Caller, Line
from ostiary.local.traffic.phrases import Grammar, speak

CHOICES = 140
WORKED = 110
BIASED = 40
"""How many of the multiple-choice questions restrict the answer to the letters by a bias, the same in each."""
LETTERS = {"32": 100, "33": 100, "34": 100, "35": 100}
START = 10.4 * clockwork.HOUR
EVERY = 0.9
"""Seconds between two requests: about 67 a minute."""
GRAMMAR: Grammar = {
    "question": (
        "Which of these does a {trade} need most when working on {topic}?",
        "Where was {topic} first described?",
        "What follows if the {product} runs for {number} hours?",
        "Which sentence about {topic} is false?",
    ),
    "choice": ("{thing}", "{place}", "nothing changes", "{topic}", "a {product}", "{number} of them", "{food}"),
    "problem": (
        "A {trade} sells {number} jars of {food} on Monday and {number} more on Friday. How many are left of {number}{number}?",
        "A train leaves {place} with {number} passengers; {number} get on and {number} get off. How many are aboard?",
        "{company} pays {number} for each {product} and buys {number}. What does it pay in all?",
    ),
}
WORKED_SYSTEM = "You will be given a problem. Think step by step, then give the final answer after ####."


def requests(rng: Random) -> Iterator[Line]:
    """One account on a paid plan runs two tasks, one after the other."""
    caller = Caller("acct-evaluation-77be", "evaluation", "192.0.2.100", "pro")
    moments = clockwork.steady(rng, START, CHOICES + WORKED, EVERY)
    for number, moment in enumerate(moments[:CHOICES]):
        bias: dict[str, Any] = {"logit_bias": LETTERS} if number < BIASED else {}
        yield caller.chat(moment, [_multiple_choice(rng)], temperature=0, max_tokens=1, logprobs=True, top_logprobs=5, seed=1234, **bias)
    for moment in moments[CHOICES:]:
        prompt = f"Question: {speak(rng, '{problem}', GRAMMAR)}\nLet's think step by step.\nAnswer:"
        yield caller.chat(moment, [prompt], system=WORKED_SYSTEM, temperature=0, max_tokens=512, stop=["Question:"], seed=1234)


def _multiple_choice(rng: Random) -> str:
    choices = "\n".join(f"{letter}. {speak(rng, '{choice}', GRAMMAR)}" for letter in "ABCD")
    return (
        f"The following are multiple choice questions (with answers).\n\nQuestion: {speak(rng, '{question}', GRAMMAR)}\n{choices}\nAnswer:"
    )
