"""What matched each event of a file: the rules by themselves, and the correlations over all events in order of their time."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ostiary.local.events import Event
from ostiary.matching.correlate import Correlator
from ostiary.matching.correlate_gather import View
from ostiary.matching.evaluate import Evaluator
from ostiary.vocabulary.request import Fields
from ostiary.vocabulary.rule import Ruleset

_ID_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Matched:
    """One event's answer: ids of rules in the Ruleset's order, those left out that speak only through a correlation."""

    event: int
    """Its index."""
    number: int
    """Its line."""
    signals: tuple[str, ...]
    error: str = ""
    """Why the line is no event; then nothing matched."""


def matched(ruleset: Ruleset, events: Iterable[Event], warn: Callable[[str], None]) -> Iterator[Matched]:
    """The answer for each event, in the events' order.

    Without correlations each comes as soon as its event does. With some, all events are read first and correlated in order of their
    time (of one time: of their lines). A correlation that is decided when a window closes is named at its group's last event in that
    window; one that holds then because of that, too. An event without a time has that of the one before it, and ``warn`` is told once.
    """
    evaluator = Evaluator(ruleset, foreign=True)
    correlator = Correlator(ruleset)
    named = {rule.index: rule.id for rule in ruleset.rules if rule.generate}
    if not any(rule.correlation for rule in ruleset.rules):
        for event in events:
            yield _answer(event, set(_signals(evaluator, event)), named)
        return
    with _uncollected():
        held = _held(correlator, [_keep(evaluator, correlator.fields, event) for event in events], warn)
    for event, signals in held:
        yield _answer(event, signals, named)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Python's cycle collector would walk again and again through all that is held, and find no cycle: a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _signals(evaluator: Evaluator, event: Event) -> Iterator[int]:
    if not event.error:
        yield from (signal.rule for signal in evaluator.evaluate(event.fields, event.fields))


def _answer(event: Event, signals: set[int], named: dict[int, str]) -> Matched:
    ids = tuple(named[index] for index in sorted(signals) if index in named)
    return Matched(event.index, event.number, ids, event.error)


def _keep(evaluator: Evaluator, needed: Iterable[str], event: Event) -> tuple[Event, set[int]]:
    """An event with the fields that correlations read, since all events of a file are held."""
    signals = set(_signals(evaluator, event))
    view = View(event.fields)
    fields: Fields = {name: values for name in needed if (values := view.values(name))} if signals else {}
    return Event(event.index, event.number, fields, event.error, event.time), signals


def _held(correlator: Correlator, kept: list[tuple[Event, set[int]]], warn: Callable[[str], None]) -> list[tuple[Event, set[int]]]:
    """Adds to each event's signals the correlations that hold."""
    times = _times([event for event, _ in kept], warn)
    for place in sorted(range(len(kept)), key=lambda place: times[place]):
        event, signals = kept[place]
        if not signals:
            continue
        for closed in correlator.close(times[place]):
            kept[int(closed.event)][1].add(closed.rule)
        signals.update(correlator.observe(times[place], f"{place:0{_ID_DIGITS}}", event.fields, tuple(signals)))
    for closed in correlator.close():
        kept[int(closed.event)][1].add(closed.rule)
    return kept


def _times(events: list[Event], warn: Callable[[str], None]) -> list[float]:
    said = (event.time for event in events if event.time is not None)
    time = next(said, 0.0)
    found = []
    for event in events:
        if event.time is not None:
            time = event.time
        found.append(time)
    without = next((event for event in events if event.time is None and not event.error), None)
    if without is not None:
        warn(f"line {without.number}: the event says no time; such events count as simultaneous with the one before them")
    return found
