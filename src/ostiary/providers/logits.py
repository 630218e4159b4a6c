"""What a body says about log probabilities and logit biases, whosever format the rest of it has: gateways forward foreign keys too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ostiary.providers.content import boolean, count, many, number, put
from ostiary.vocabulary.request import Value

MAX_BIASED_TOKENS = 1024
"""Token ids of one request that become values; OpenAI takes 300."""
_PLACES = ("generationConfig", "parameters", "inferenceConfig", "additionalModelRequestFields", "extra_body")
_BIASES = ("logit_bias", "logitBias")
_IN_ANSWER = "message.output_text.logprobs"


def logit_fields(body: Mapping[str, object]) -> dict[str, Value]:
    """``gen_ai.request.logprobs``, ``top_logprobs``, ``logit_bias.count`` and ``logit_bias.tokens``. Never raises.

    ``logprobs`` is a boolean for OpenAI's chat, a number of alternatives for its completions, a member of ``include`` for its responses;
    Gemini asks by ``responseLogprobs``.

    >>> logit_fields({"logprobs": 5, "logit_bias": {"70": 1, "9": 1}})["gen_ai.request.logit_bias.tokens"]
    ('9', '70')
    """
    found: dict[str, Value] = {}
    for place in (body, *(inner for key in _PLACES if isinstance(inner := body.get(key), Mapping))):
        for key in ("logprobs", "responseLogprobs"):
            put(found, "gen_ai.request.logprobs", boolean(place.get(key)))
        alternatives = number(place.get("logprobs"))
        if alternatives is not None:
            found.setdefault("gen_ai.request.logprobs", True)
        most = number(place.get("top_logprobs"))
        put(found, "gen_ai.request.top_logprobs", alternatives if most is None else most)
        for key in _BIASES:
            put(found, "gen_ai.request.logit_bias.count", count(place.get(key)))
            put(found, "gen_ai.request.logit_bias.tokens", many(_tokens(place.get(key))))
    include = body.get("include")
    if isinstance(include, list) and _IN_ANSWER in include:
        found["gen_ai.request.logprobs"] = True
    return found


def _tokens(bias: object) -> Iterable[str]:
    """The biased ids as texts in the order of their numbers: keys of a map, or firsts of pairs, as llama.cpp's server takes them."""
    named = (
        bias
        if isinstance(bias, Mapping)
        else [pair[0] for pair in bias if isinstance(pair, list) and pair]
        if isinstance(bias, list)
        else ()
    )
    texts = {str(token) for token in named if isinstance(token, (str, int)) and not isinstance(token, bool)}
    return sorted(texts, key=lambda text: (len(text), text))[:MAX_BIASED_TOKENS]
