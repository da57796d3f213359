"""Finds hidden texts that say what a sign says: with them a program could recite the test."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from generators.context.fold import Words, content_words, fold
from generators.context.model import Context, hidden_sentences, public_sentences

RUN = 5  # words in a row
NEARLY_ALL = 0.85  # of the words of the shorter text
SHARED_CONTENT = 3  # content words below which sharing nearly all words is chance


def overlaps(context: Context) -> list[str]:
    """One line for each hidden text that repeats a sign, of any axis."""
    return [f"{path}: {reason}" for path, reason in overlap_findings(context)]


def overlap_findings(context: Context) -> Iterator[tuple[str, str]]:
    """The (path of a hidden text, reason) of each that repeats a sign."""
    signs = list(public_sentences(context))
    hidden = list(hidden_sentences(context))
    pairs = near_pairs([text for _, text in hidden], [text for _, text in signs])
    for hidden_index, sign_index, how in pairs:
        path, text = hidden[hidden_index]
        sign_path, sign = signs[sign_index]
        yield path, f"{text!r} {how} the sign {sign!r} ({sign_path}); write another sentence"


def near_pairs(first: Sequence[str], second: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """The pairs (index in first, index in second, how) whose texts are nearly one."""
    others = [_Folded.of(text) for text in second]
    index = _Index(others)
    for position, text in enumerate(first):
        folded = _Folded.of(text)
        how = dict.fromkeys(index.same(folded), "is the same as")
        for other in index.sharing_a_run(folded):
            how.setdefault(other, f"shares {RUN} words or more in a row with")
        for other, count in index.sharing_content(folded):
            if _nearly_all(folded, others[other], count):
                how.setdefault(other, "shares nearly all words with")
        yield from ((position, other, reason) for other, reason in sorted(how.items()))


@dataclass(frozen=True)
class _Folded:
    words: Words
    content: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "_Folded":
        words = fold(text)
        return cls(words, content_words(words))

    def runs(self) -> Iterator[Words]:
        """Every `RUN` words in a row."""
        last = len(self.words) - RUN
        return (self.words[start : start + RUN] for start in range(last + 1))


class _Index:
    """Finds texts by whole, by run and by content word, so that not all pairs are compared."""

    def __init__(self, texts: Sequence[_Folded]) -> None:
        self._whole: dict[Words, list[int]] = defaultdict(list)
        self._runs: dict[Words, set[int]] = defaultdict(set)
        self._words: dict[str, list[int]] = defaultdict(list)
        for index, text in enumerate(texts):
            self._whole[text.words].append(index)
            for run in text.runs():
                self._runs[run].add(index)
            for word in text.content:
                self._words[word].append(index)

    def same(self, text: _Folded) -> Sequence[int]:
        """The texts that have the same words in the same order."""
        return self._whole.get(text.words, ())

    def sharing_a_run(self, text: _Folded) -> set[int]:
        """The texts that have `RUN` words in a row in common with this one."""
        return set().union(*(self._runs.get(run, ()) for run in text.runs()))

    def sharing_content(self, text: _Folded) -> list[tuple[int, int]]:
        """The (text, number of shared content words) of those that share enough."""
        shared = Counter(chain.from_iterable(self._words.get(word, ()) for word in text.content))
        return [(index, count) for index, count in shared.items() if count >= SHARED_CONTENT]


def _nearly_all(first: _Folded, second: _Folded, shared_content: int) -> bool:
    shorter, longer = sorted((first, second), key=lambda text: len(text.words))
    needed = NEARLY_ALL * len(shorter.words)
    if len(shorter.words) - (len(shorter.content) - shared_content) < needed:
        return False  # too many of its content words are missing; a count is all it takes to see
    return (Counter(shorter.words) & Counter(longer.words)).total() >= needed
