"""What can be chosen about an export, described once: dialogs and the command line are built from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import InputError

Values = Mapping[str, Any]
"""What was chosen, by the name of the option."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose.

    Attributes:
        name: keyword of the export function; on the command line ``--name``, with dashes.
        kind: "flag" (bool), "number" (int), "choice" (one of ``choices``) or "several" (a tuple of them).
        default: a value of that kind.
        label: a few words for a dialog.
        tip: what it does, one line.
        choices: the words to choose from.
        low, high: smallest and largest number.
        unit: behind the number, such as "%".
    """

    name: str
    kind: Literal["flag", "number", "choice", "several"]
    default: bool | int | str | tuple[str, ...]
    label: str
    tip: str
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    unit: str = ""

    @property
    def flag(self) -> str:
        """What it is called on the command line."""
        return "--" + self.name.replace("_", "-")

    def parse(self, text: str) -> Any:
        """The value that a word on the command line, or in saved settings, stands for.

        Raises:
            InputError: the word stands for none.
        """
        if self.kind == "several":
            return self.check(tuple(part.strip() for part in text.split(",") if part.strip()))
        if self.kind == "number":
            try:
                return self.check(int(text))
            except ValueError:
                return self.check(text)
        if self.kind == "flag":
            return self.check({"true": True, "false": False}.get(text.lower(), text))
        return self.check(text)

    def text(self, value: Any) -> str:
        """What ``parse`` turns into this value."""
        if self.kind == "several":
            return ",".join(value)
        return str(value).lower() if self.kind == "flag" else str(value)

    def check(self, value: Any) -> Any:
        """The value itself, if it is one of this option.

        Raises:
            InputError: it is not.
        """
        match self.kind:
            case "flag":
                good, wanted = isinstance(value, bool), "true or false"
            case "number":
                good = (
                    isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high
                )
                wanted = f"a whole number from {self.low} to {self.high}"
            case "choice":
                good, wanted = value in self.choices, f"one of: {', '.join(self.choices)}"
            case "several":
                known = isinstance(value, tuple) and set(value) <= set(self.choices)
                good, wanted = known, f"some of: {', '.join(self.choices)}, with commas between"
        if not good:
            shown = ",".join(value) if isinstance(value, tuple) else value
            raise InputError(f"“{shown}” is no value of {self.flag}. Give {wanted}.")
        return value


def complete(options: Sequence[Option], given: Values, subject: str) -> dict[str, Any]:
    """A checked value for each option: the given one, or the default.

    Args:
        subject: whose options they are, for the sentence of a complaint.

    Raises:
        InputError: a value does not fit, or an option is not known.
    """
    known = {option.name: option for option in options}
    for name in given:
        if name not in known:
            flags = ", ".join(option.flag for option in options) or "none"
            raise InputError(
                f"{subject} has no option --{name.replace('_', '-')}. Leave it out; its options are: {flags}."
            )
    return {name: option.check(given.get(name, option.default)) for name, option in known.items()}
