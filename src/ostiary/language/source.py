"""Source: one file's text, the mistakes found in it, and the places in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ostiary.language.mistake import Mistake, Position
from ostiary.language.nodes import Mark, Scalar


@dataclass(slots=True)
class Source:
    """A file while it is read: collects mistakes and warnings, so that all of them are reported together."""

    path: str
    lines: list[str] = field(default_factory=list)
    topic: str = ""
    """Folder in the pack."""
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)

    def refuse(self, at: Mark, kind: str, message: str, hint: str = "") -> None:
        """Records a mistake at a place."""
        self.mistakes.append(self._note(at, kind, message, hint))

    def warn(self, at: Mark, kind: str, message: str, hint: str = "") -> None:
        """Records a warning at a place: the document loads all the same."""
        self.warnings.append(self._note(at, kind, message, hint))

    def position(self, at: Mark) -> Position:
        """A place as people write it."""
        return Position(self.path, at.line, at.column)

    def inside(self, scalar: Scalar, offset: int) -> Mark:
        """The place of a character of a scalar's value in the file.

        Counts characters that are not white space from the scalar's start: folding and indentation change nothing else.
        (An escape in a double-quoted scalar shifts what follows it on the same line.) The end is the place after the last one.
        """
        before = scalar.value[:offset].rstrip()
        if offset >= len(scalar.value.rstrip()):
            if not before:
                return scalar.mark
            last = self.inside(scalar, len(before) - 1)
            return Mark(last.line, last.column + 1)
        seen = sum(not char.isspace() for char in before)
        line, column = scalar.mark.line, scalar.mark.column
        if scalar.style in ("|", ">"):
            line, column = line + 1, 1
        elif not scalar.plain:
            column += 1
        while line <= len(self.lines):
            for index, char in enumerate(self.lines[line - 1][column - 1 :], start=column):
                if char.isspace():
                    continue
                if seen == 0:
                    return Mark(line, index)
                seen -= 1
            line, column = line + 1, 1
        return scalar.mark

    def _note(self, at: Mark, kind: str, message: str, hint: str) -> Mistake:
        line = self.lines[at.line - 1] if 0 < at.line <= len(self.lines) else ""
        return Mistake(self.path, at.line, at.column, kind, message, hint, line)
