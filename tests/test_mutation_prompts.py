"""What a model is shown: the whole parent, and findings in words; nothing hidden."""

from dataclasses import replace
from typing import Any

import pytest
from conftest import People

from evolve.mutation.ideas import IDEAS, OF_TWO
from evolve.mutation.looks import LONGEST, look
from evolve.mutation.prompts import CUTS, Seen, Subject, again, fits, question, shortest
from evolve.mutation.replies import DIFF, REWRITE, how, source_of
from evolve.tally import SCORES
from fitness.embedding import Caches
from fitness.respondents import open_respondent
from fitness.scoring import Scorer
from generators.baselines import baseline
from generators.blocks import BLOCKS, summary
from generators.context import Context
from generators.llm import Request
from generators.llm.tokens import own_prompt
from generators.program import parse

HUGE = 10**6
LOOK = {
    "gaps": ["rich; lonely", *(f"in the middle on wealth; lonely in way {k}" for k in range(7))],
    "open": 9,
    "possible": 27,
    "gates": ["40% of the people: too short (first: persona 2)"],
    "people": [{"text": "I sing.", "read": "wealth: in the middle"}],
}


def seen(source: str, contexts: list[Context], worth: float = 0.25) -> Seen:
    table = {c.id: [worth, worth + 0.1] for c in contexts}
    verdict = {**dict.fromkeys(SCORES, table), "fresh": {}, "reason": "TypeError: no"}
    return Seen(source, {**verdict, "shown": {contexts[0].id: LOOK}})


@pytest.fixture
def contexts(companion: Context, elders: Context) -> list[Context]:
    return [companion, elders]


@pytest.fixture
def subject(contexts: list[Context]) -> Subject:
    parent = seen(baseline("covering_mix").source, contexts)
    other = seen(baseline("sobol_graded").source, contexts, 0.5)
    return Subject(parent, other, contexts, "two_wordings", REWRITE, 500)


def text_of(request: Request | None) -> str:
    assert request is not None
    return "\n".join(text for _, text in request.messages)


def test_everything_a_model_needs_is_shown(subject: Subject, companion: Context) -> None:
    said = text_of(question(subject, HUGE, 0))
    for name in BLOCKS:
        assert f"{name}(" in said
        assert summary(name) in said
    for words in (
        subject.parent.source,
        subject.other.source,  # type: ignore[union-attr]
        "0.300 [",  # the parent's score with its interval
        "0.550 [",
        "9 of 27 combinations are covered by nobody",
        "- rich; lonely",
        "Gate failed by 40% of the people: too short",
        "I sing.”\n  read as: wealth: in the middle",
        companion.axes[0].high_label,
        "it failed (TypeError: no)",  # in the other context
        "no classes, no yield",
        IDEAS["two_wordings"],
    ):
        assert words in said


def test_an_idea_about_two_programs_shows_both(subject: Subject) -> None:
    assert subject.other
    for idea in OF_TWO:
        short = text_of(shortest(replace(subject, idea=idea), 0))
        assert subject.other.source in short
    assert subject.other.source not in text_of(shortest(subject, 0))


def test_nothing_hidden_is_shown(subject: Subject, contexts: list[Context]) -> None:
    said = text_of(question(subject, HUGE, 0))
    assert not [text for context in contexts for text in hidden(context) if text in said]


def hidden(context: Context) -> list[str]:
    """Statements and items that no program and no model may see."""
    every = [axis.hidden for axis in context.axes if axis.hidden]
    texts = [text for h in every for text in (*h.low, *h.high, *(item.text for item in h.items))]
    assert len(texts) > 20
    return texts


def test_a_parent_is_shown_whole_with_all_its_constants(contexts: list[Context]) -> None:
    """Peers cut it, so that their models rewrite what they cannot see."""
    constants = "\n".join(f"WORDS_{k} = ['sentence {k}', {k}.125]" for k in range(400))
    source = f"{constants}\n{baseline('covering_mix').source}\nLAST = 'the end'"
    subject = Subject(seen(source, contexts), None, contexts, "constants", DIFF, 9_000)
    assert source in text_of(question(subject, HUGE, 0))
    smallest = next(r for room in range(0, HUGE, 500) if (r := question(subject, room, 0)))
    assert source in text_of(smallest)


def test_what_is_cut_first_is_cut_first(subject: Subject, companion: Context) -> None:
    """Less room, less shown, in the order that is stated; then nothing is asked."""
    marks = {
        "people": "I sing.",
        "other program": "Another program",
        "block summaries": summary("sobol"),
        "contexts": companion.axes[0].high_label,
        "gaps": "- rich; lonely",
    }
    assert tuple(marks) == CUTS
    found = []
    for room in range(5_000, 0, -50):
        request = question(subject, room, 0)
        if request is None:
            break
        assert fits(request, room)
        assert subject.parent.source in text_of(request)
        assert "Gate failed by" in text_of(request)
        shown = [mark in text_of(request) for mark in marks.values()]
        assert shown == sorted(shown), "something went before what should go first"
        found.append(sum(shown))
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (len(CUTS), 0)


def test_the_example_of_an_edit_is_one_and_changes_nothing(subject: Subject) -> None:
    """Small models copy it; that must not count as a new program."""
    source = subject.parent.source
    edited = source_of(how(DIFF, source), DIFF, source)
    assert edited.count("# a comment") == 1
    assert parse(edited).hash == parse(source).hash


def test_a_repair_shows_the_answer_and_what_is_wrong(subject: Subject) -> None:
    request = question(subject, HUGE, 3)
    assert request is not None
    short = shortest(subject, 3)
    repair = again((request, short), "My answer.", "line 3: import of os", HUGE)
    assert repair is not None
    assert repair.messages[:2] == request.messages
    assert repair.messages[2] == ("assistant", "My answer.")
    assert "line 3: import of os" in repair.messages[3][1]
    assert repair.sample == 3
    room = own_prompt(request) + request.max_tokens
    shorter = again((request, short), "My answer. " * 50, "wrong", room)
    assert shorter is not None
    assert shorter.messages[:2] == short.messages
    assert again((request, short), "My answer. " * 9_000, "wrong", room) is None


def test_questions_begin_alike_so_that_a_server_caches_them(
    subject: Subject, contexts: list[Context]
) -> None:
    other = Subject(subject.other or subject.parent, None, contexts, "surprise", DIFF, 500)
    both = [question(one, HUGE, 0) for one in (subject, other)]
    assert len({request.messages[0] for request in both if request}) == 1


def test_a_look_is_in_words_and_shows_nothing_hidden(
    caches: Caches, companion: Context, people: People
) -> None:
    signs = [s for axis in companion.axes for s in (*axis.signs.low, *axis.signs.high)]
    texts = [" ".join(signs[k : k + 12]) for k in range(8)] + ["Short.", "Short."]
    reader = open_respondent("agreement", companion, caches)
    scorer = Scorer(companion, reader, [[0.5, 0.5, 0.5]])
    made = people(texts)
    judged = scorer.objective(made, len(made))
    found: dict[str, Any] = look(companion, made, judged, scorer.weights)
    assert found["possible"] == 27
    assert 0 < len(found["gaps"]) <= found["open"]
    assert any("shorter than" in words for words in found["gates"])
    assert len(found["people"]) == 3
    assert all(len(p["text"]) <= LONGEST + 2 for p in found["people"])
    assert all(axis.name in p["read"] for p in found["people"] for axis in companion.axes)
    shown = str(found)
    assert not [text for text in hidden(companion) if text in shown]
