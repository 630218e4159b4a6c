"""``exemption:`` documents: they keep the Signals of some rules for some accounts, and waive their effects."""

from __future__ import annotations

from collections.abc import Mapping as NameMap

from ostiary.language.mistake import did_you_mean
from ostiary.language.models import ExemptionDocument
from ostiary.language.nodes import Mapping
from ostiary.language.reading import describe, place
from ostiary.language.source import Source
from ostiary.vocabulary.rule import Exemption


def read_exemption(node: Mapping, source: Source, rules: NameMap[str, str], now: float) -> Exemption | None:
    """An Exemption whose rules are resolved to ids; ``rules`` maps ids and names to ids. Mistakes go to the source."""
    model = describe(ExemptionDocument, node, source)
    if model is None:
        return None
    for index, name in enumerate(model.rules):
        if name not in rules:
            source.refuse(
                place(node, ("rules", index)), "unknown-rule", f"there is no rule with the id or name `{name}`", did_you_mean(name, rules)
            )
    if model.expires <= now:
        source.warn(place(node, ("expires",)), "exemption-expired", f"exemption `{model.exemption}` has expired", "renew or remove it")
    return Exemption(
        name=model.exemption,
        accounts=tuple(model.accounts),
        rules=tuple(rules.get(name, name) for name in model.rules),
        waive=tuple(model.waive),
        reason=model.reason,
        granted_by=model.granted_by,
        expires=model.expires,
    )
