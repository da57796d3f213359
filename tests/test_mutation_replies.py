"""Replies of models are read strictly: exactly one program, or edits that fit exactly."""

import pytest

from evolve.mutation.replies import DIFF, REWRITE, Failure, ReplyError, source_of

PARENT = "def generate(context, n, rng):\n    a = 1\n    b = 2\n    a = 1\n    return [a, b]"
NEW = "def generate(context, n, rng):\n    return []"


def edit(searched: str, put: str) -> str:
    return f"<<<<<<< SEARCH\n{searched}=======\n{put}>>>>>>> REPLACE\n"


@pytest.mark.parametrize("tag", ["python", "py", "", "Python"])
def test_the_whole_program_is_what_stands_in_its_block(tag: str) -> None:
    assert source_of(f"Sure!\n```{tag}\n{NEW}\n```\nDone.", REWRITE, PARENT) == NEW + "\n"
    windows = f"```{tag}\n{NEW}\n```".replace("\n", "\r\n")
    assert source_of(windows, REWRITE, PARENT) == NEW + "\n"


def test_edits_apply_in_turn_and_may_delete() -> None:
    reply = "First:\n" + edit("    b = 2\n", "    b = 3\n    c = 4\n") + edit("    c = 4\n", "")
    assert source_of(reply, DIFF, PARENT) == PARENT.replace("b = 2", "b = 3") + "\n"


def test_an_edit_may_stand_in_a_fence() -> None:
    reply = "```\n" + edit("    b = 2  \n", "    b = 5\n") + "```"
    assert "b = 5" in source_of(reply, DIFF, PARENT)


@pytest.mark.parametrize(
    ("reply", "form", "failure"),
    [
        ("", REWRITE, Failure.NO_CODE),
        (NEW, REWRITE, Failure.NO_CODE),
        (f"```python\n{NEW}", REWRITE, Failure.NO_CODE),  # never closed
        (f"```json\n{NEW}\n```", REWRITE, Failure.NO_CODE),
        (edit("    b = 2\n", "    b = 3\n"), REWRITE, Failure.NO_CODE),
        (f"```python\n{NEW}\n```\n```python\n{NEW}\n```", REWRITE, Failure.MANY_BLOCKS),
        (f"```python\n{NEW}\n```", DIFF, Failure.NO_EDIT),
        ("<<<<<<< SEARCH\n    b = 2\n=======\n    b = 3\n", DIFF, Failure.NO_EDIT),
        (edit("    b = 2\n", "    b = 3\n") + "<<<<<<< SEARCH\n    a", DIFF, Failure.NO_EDIT),
        (edit("    b = 9\n", "    b = 3\n"), DIFF, Failure.NOT_FOUND),
        (edit("b = 2\n", "b = 3\n"), DIFF, Failure.NOT_FOUND),  # a part of a line
        (edit("", "    b = 3\n"), DIFF, Failure.NOT_FOUND),
        (edit("    a = 1\n", "    a = 3\n"), DIFF, Failure.AMBIGUOUS),
    ],
)
def test_what_keeps_to_no_form_is_named(reply: str, form: str, failure: Failure) -> None:
    with pytest.raises(ReplyError) as error:
        source_of(reply, form, PARENT)
    assert error.value.failure is failure
    assert str(error.value)
