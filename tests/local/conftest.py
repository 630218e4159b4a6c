"""A small pack for a whole gate: a limit, a plain denial, a phrase, and a correlation that withholds."""

from __future__ import annotations

from pathlib import Path

import pytest

from ostiary.language.compile import compile_paths
from ostiary.local.handlers import shipped
from ostiary.vocabulary.rule import Ruleset

RULES = """\
title: Trial limit
logsource: {product: ostiary, category: request}
detection: {free: {account.plan: trial}, condition: free}
ostiary: {mode: enforce, action: throttle, limit: {max: 3, timespan: 1m, group-by: account.id}, clause: T-2.1}
tests:
  - {name: third, request: {account.plan: trial}, times: 3, expect: allowed}
  - {name: fourth, request: {account.plan: trial}, times: 4, expect: throttled}
  - {name: paid plan, request: {account.plan: pro}, times: 4, expect: allowed}
---
title: Forbidden door
logsource: {product: ostiary, category: request}
detection: {door: {url.path: /forbidden}, condition: door}
ostiary: {mode: enforce, action: deny, clause: T-1}
tests:
  - {name: the door, request: {url.path: /forbidden}, expect: denied}
  - {name: another, request: {url.path: /forbidden/not}, expect: allowed}
---
title: Asks for reasoning
name: asks
logsource: {product: ostiary, category: request}
detection: {ask: {'gen_ai.prompt.last|contains': verbatim}, condition: ask}
level: low
---
title: Keeps asking for reasoning
name: keeps_asking
correlation: {type: event_count, rules: [asks], group-by: [account.id], timespan: 1d, condition: {gte: 3}}
level: high
ostiary: {mode: enforce, action: withhold, withhold: [reasoning], clause: T-4.1}
tests:
  - {name: third, request: {gen_ai.prompt.last: verbatim}, times: 3, expect: withheld}
  - {name: second, request: {gen_ai.prompt.last: verbatim}, times: 2, expect: allowed}
"""


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pack, with the shipped escalation policy."""
    folder = tmp_path_factory.mktemp("pack")
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "escalation.yaml").write_bytes((shipped("rules") / "escalation.yaml").read_bytes())
    return folder


@pytest.fixture(scope="session")
def ruleset(pack: Path) -> Ruleset:
    """The pack, compiled."""
    compiled = compile_paths([pack])
    assert compiled.ruleset is not None, [mistake.render() for mistake in compiled.mistakes]
    return compiled.ruleset
