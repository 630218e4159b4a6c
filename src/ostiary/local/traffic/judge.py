"""A model that grades models: rubrics, pairs, scores, with log probabilities of the verdict. The instructions
that it quotes are those of a harvest now and then."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ostiary.local.traffic import clockwork
from ostiary.local.traffic.caller import Caller, Line
from ostiary.local.traffic.phrases import Grammar, speak

REQUESTS = 190
START = 14.2 * clockwork.HOUR
GRAMMAR: Grammar = {
    "instruction": (
        "Write a {feeling} note to {person} about {thing}.",
        "Explain {topic} in {number} words.",
        "List diverse uses of {thing}.",
        "Write {number} different names for a {trade}'s shop in {place}.",
        "Generate {number} diverse training examples about {topic}.",
        "Come up with a set of {number} diverse task instructions about {topic}.",
    ),
    "response": (
        "{topic} is best understood through {thing}. A {trade} in {place} would agree. {more}",
        "Here is a {feeling} version for {person}. {more}",
        "There are {number} of them; the first is {thing}. {more}",
    ),
    "more": ("It takes {number} minutes.", "The rest follows from {topic}.", "Nobody in {place} does it otherwise.", "See also {topic}."),
    "rubric": (
        "5: complete, correct and {feeling}. 3: misses a point about {topic}. 1: off the subject.",
        "5: a {trade} could act on it. 3: needs another question. 1: wrong or invented.",
    ),
}
PAIR = (
    "Please act as an impartial grader and say which response follows the instruction better. Do not let the order or the length "
    "decide. Answer with one letter.\n\n[Instruction]\n{instruction}\n\n[Response A]\n{first}\n\n[Response B]\n{second}\n\n[Verdict]"
)
SCORE = (
    "Rate the response against the rubric. First give a short rationale, then a score from 1 to 5.\n\n"
    "Instruction: {instruction}\nResponse: {first}\nRubric: {rubric}\nRationale:"
)


def requests(rng: Random) -> Iterator[Line]:
    """One account on a team plan grades a run of answers in the afternoon."""
    caller = Caller("acct-judge-2ae8", "judge", "192.0.2.110", "team")
    for moment in clockwork.session(rng, START, REQUESTS, 6.0):
        parts = {name: speak(rng, f"{{{name}}}", GRAMMAR) for name in ("instruction", "rubric")}
        parts |= {"first": speak(rng, "{response}", GRAMMAR), "second": speak(rng, "{response}", GRAMMAR)}
        if rng.random() < 0.5:
            yield caller.chat(moment, [PAIR.format(**parts)], temperature=0, max_tokens=1, logprobs=True, top_logprobs=20)
        else:
            yield caller.chat(moment, [SCORE.format(**parts)], temperature=0, max_tokens=300)
