"""What a model is asked as a persona, and the number that its answer is.

A persona's text and the answer scale come first and are the same for all its items, so that a
server's prompt cache keeps them; the item comes last. Each item is asked alone.
"""

import math
import re
from dataclasses import dataclass

from generators.llm import Answer, LLMError, Request

ROLE = "respond"
SAMPLES = 5  # of an answer, where the server gives no log-probabilities
LEAST_MASS = 0.5  # of the probability of a first token that must be on digits of the scale
_ALTERNATIVES = 20
_BRIEF = 160  # tokens of reasoning
_LABELS = ("strongly disagree", "disagree", "neither agree nor disagree", "agree", "strongly agree")
# March, "A Primer on Decision Making" (1994): the logic of appropriateness.
_APPROPRIATE = (
    "Before you answer, say in one short sentence each: What kind of situation is this? What kind"
    " of person am I? What does a person such as I do in a situation such as this?"
)
_DIGIT = re.compile(r"\W*([1-5])\W*(?:(?:strongly )?(?:agree|disagree)|neither[\w ]*)?\W*", re.I)


@dataclass(frozen=True)
class Question:
    """An item put to a persona.

    Attributes:
        persona: the text that the model is to be.
        item: the statement.
        reversed: whether 1 is to mean agreement.
        lane: of its request; one a persona.
    """

    persona: str
    item: str
    reversed: bool
    lane: str

    def request(self, able: int, sample: int, thought: str | None = None) -> Request:
        """What is asked for the answer; `able`: alternatives that the server gives."""
        messages = [("system", self._system()), ("user", self._user())]
        if thought is not None:
            messages = [("system", self._system()), ("user", f"{self._user()}\n{_APPROPRIATE}")]
            messages += [("assistant", thought), ("user", "Now the digit alone.")]
        return Request(
            ROLE,
            messages,
            max_tokens=1 if able else 8,
            temperature=0.0 if able else 1.0,
            sample=sample,
            top_logprobs=min(able, _ALTERNATIVES) or None,
            lane=self.lane,
        )

    def reasons(self, sample: int) -> Request:
        """What is asked before, where a persona is to reason."""
        messages = [("system", self._system()), ("user", f"{self._user()}\n{_APPROPRIATE}")]
        return Request(ROLE, messages, max_tokens=_BRIEF, sample=sample, lane=self.lane)

    def value(self, answer: Answer | LLMError | None) -> float:
        """Agreement in [0, 1]; NaN where the answer is missing or is none.

        The probability-weighted digit where there are log-probabilities, else the digit that the
        text is: a number somewhere in a sentence is no answer.
        """
        if not isinstance(answer, Answer):
            return math.nan
        digit = _expected(answer) if answer.logprobs else _said(answer.text)
        agreement = (digit - 1) / (len(_LABELS) - 1)
        return 1 - agreement if self.reversed else agreement

    def _system(self) -> str:
        labels = reversed(_LABELS) if self.reversed else _LABELS
        legend = ", ".join(f"{digit} {label}" for digit, label in enumerate(labels, start=1))
        return (
            f"You are this person:\n{self.persona}\n\nYou are shown one statement at a time. Say"
            f" how much you agree with it, as this person would, by one digit: {legend}. Answer"
            " with the digit alone."
        )

    def _user(self) -> str:
        return f"Statement: {self.item}\nDigit:"


def _expected(answer: Answer) -> float:
    assert answer.logprobs
    mass = [0.0] * len(_LABELS)
    for token, logprob in answer.logprobs[0].top:
        word = token.strip()
        if len(word) == 1 and word in "12345":
            mass[int(word) - 1] += math.exp(logprob)
    total = sum(mass)
    if total < LEAST_MASS:
        return math.nan
    return sum((i + 1) * m for i, m in enumerate(mass)) / total


def _said(text: str) -> float:
    found = _DIGIT.fullmatch(text)
    return float(found[1]) if found else math.nan
