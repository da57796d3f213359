"""Makes the reference populations of the contexts that ship with Gamut (`conf/reference/`).

    python benchmarks/references.py

To be run again whenever a shipped context, a naive baseline or a reader changes; a test fails
while a shipped file is out of date.
"""

from evolve.config import packaged_contexts
from fitness.embedding import Caches
from fitness.reference import make_reference, shipped_file, write_reference
from fitness.respondents import DEFAULT, open_respondent
from generators.sandbox import Sandbox


def main() -> None:
    caches = Caches()
    with Sandbox() as sandbox:
        for split in ("train", "validation", "test"):
            for context in packaged_contexts(split):
                reader = open_respondent(DEFAULT, context, caches)
                rows = make_reference(context, reader, sandbox)
                file = shipped_file(context)
                write_reference(file, context, reader, rows)
                read = sum(None not in row for row in rows)
                print(f"{file.name}: {len(rows)} personas, {read} read on all axes", flush=True)


if __name__ == "__main__":
    main()
