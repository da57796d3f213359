"""Checks the wording of a context: what makes it hard to score, beyond what makes it invalid."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from generators.context.fold import (
    content_words,
    fold,
    has_negation,
    is_first_person,
    plain_words,
)
from generators.context.model import (
    Axis,
    Context,
    Hidden,
    hidden_sentences,
    public_sentences,
)
from generators.context.overlap import overlap_findings

GOOD_STATEMENTS = 6
GOOD_ITEMS = 8
LABEL_WORDS = 2  # as many words of a label in one statement lean on it

_ADVERBS = {
    "never",
    "ever",
    "still",
    "only",
    "hardly",
    "always",
    "often",
    "seldom",
    "sometimes",
    "even",
}
_MODALS = {"can", "cannot", "could", "will", "would", "may", "might", "must", "should"}
_VERB = re.compile(r"[a-z-]+s\Z")
_PLAIN_VERBS = {"has", "is", "does"}
_OTHERS = {"they", "them", "their", "themselves"}
_NOT_VERBS = {"always", "sometimes", "this", "his", "its", "us", "as", "perhaps", "theirs"}


@dataclass(frozen=True)
class Finding:
    """Something about a context that its author should know; an error must be mended."""

    level: Literal["error", "warning"]
    where: str
    message: str


def check_context(context: Context) -> list[Finding]:
    """Every finding in a context, errors first. Read it with `read_context` to see overlaps."""
    errors = [Finding("error", path, reason) for path, reason in overlap_findings(context)]
    warnings = [*_sign_findings(context), *_statement_form(context)]
    for index, axis in enumerate(context.axes):
        warnings.extend(_label_form(axis, f"axes[{index}]"))
        warnings.extend(_hidden_findings(axis, f"axes[{index}].hidden"))
    return errors + [Finding("warning", where, message) for where, message in warnings]


def starts_with_verb(sentence: str) -> bool:
    """Whether a sentence starts with a third-person verb, or adverbs and then one (roughly)."""
    words = plain_words(sentence)
    rest = [word for word in words if word not in _ADVERBS and not word.endswith("ly")]
    skipped = words.index(rest[0]) if rest else len(words)
    if not rest or skipped > 2:
        return False
    verb = rest[0].removesuffix("n't")
    return verb in _MODALS | {"ca", "wo"} or (verb not in _NOT_VERBS and bool(_VERB.match(verb)))


def _sign_findings(context: Context) -> Iterator[tuple[str, str]]:
    for path, sign in public_sentences(context):
        if not is_first_person(sign) and not starts_with_verb(sign):
            yield (
                path,
                f"{sign!r} does not start with a third-person verb (“Has dinner …”); "
                "wording built from it may read badly",
            )
        if not sign.endswith((".", "!", "?", "…")):
            yield path, f"{sign!r} does not end with a full stop"


def _statement_form(context: Context) -> Iterator[tuple[str, str]]:
    for path, text in hidden_sentences(context):
        # A plural noun looks like a verb ("Consultants have …"), so a sign is told by two marks.
        words = plain_words(text)
        marked = words[0] in _PLAIN_VERBS or not _OTHERS.isdisjoint(words)
        if marked and not is_first_person(text) and starts_with_verb(text):
            yield path, f"{text!r} is not a first-person sentence (“I have dinner …”)"


def _label_form(axis: Axis, where: str) -> Iterator[tuple[str, str]]:
    for field in ("low_label", "high_label"):
        label: str = getattr(axis, field)
        if label.endswith("."):
            yield (
                f"{where}.{field}",
                f"{label!r} ends with a full stop; it completes “This person is …”",
            )


def _hidden_findings(axis: Axis, where: str) -> Iterator[tuple[str, str]]:
    hidden = axis.hidden
    if hidden is None:
        yield where, "missing: this axis can be generated for, but neither evolved on nor scored"
        return
    for pole, label in (("low", axis.low_label), ("high", axis.high_label)):
        statements: tuple[str, ...] = getattr(hidden, pole)
        place = f"{where}.{pole}"
        if len(statements) < GOOD_STATEMENTS:
            yield place, f"{len(statements)} statements; {GOOD_STATEMENTS} or more read better"
        if not any(has_negation(statement) for statement in statements):
            yield place, "no statement with a negation (not, never, no …); readers need some"
        yield from _leaning(statements, (label, axis.name), place)
    yield from _item_findings(hidden, f"{where}.items")


def _leaning(
    statements: tuple[str, ...], labels: tuple[str, str], where: str
) -> Iterator[tuple[str, str]]:
    """Statements that use the words of the label or of the axis name."""
    for number, statement in enumerate(statements):
        words = content_words(fold(statement))
        for label in labels:
            own = content_words(fold(label))
            if own and len(own & words) >= min(LABEL_WORDS, len(own)):
                yield f"{where}[{number}]", f"{statement!r} uses the words of {label!r}"
                break


def _item_findings(hidden: Hidden, where: str) -> Iterator[tuple[str, str]]:
    count = len(hidden.items)
    if count < GOOD_ITEMS:
        yield where, f"{count} items; {GOOD_ITEMS} or more measure better"
    rarer, key = min((sum(item.key == key for item in hidden.items), key) for key in (1, -1))
    if rarer * 4 < count:
        yield where, f"only {rarer} of {count} are keyed {key}; balance the keys"
