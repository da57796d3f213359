"""What a model may be told to change: one short, concrete instruction at a time.

Each is credited by what its children gain for what they cost, so an idea that is no good is asked
for less often, and one that is good in one stage of the search more often then.
"""

IDEAS: dict[str, str] = {
    # where people are placed
    "other_placement": "Replace the placement by another block that gives Points, and keep the"
    " rest as it is.",
    "missing_corners": "Place some of the people exactly at the combinations that nobody covers:"
    " build rows of levels from 0.0, 0.5 and 1.0 yourself and use them for a part of the n people.",
    "two_placements": "Make two placements and combine them with `mixture` or `thin`, so that each"
    " makes up for what the other leaves out.",
    "clear_levels": "Push levels towards 0.0, 0.5 and 1.0, so that a reader can tell low, middle"
    " and high apart: with `stretch`, or by rounding each level yourself.",
    "opposed_axes": "Make sure that people who are high on one axis are as often low as high on"
    " every other axis: balance the rows of the placement in plain Python.",
    "more_middles": "Give more people a level near 0.5 on at least one axis: combinations with a"
    " middle are easily forgotten.",
    # how a level is worded
    "other_wording": "Replace the wording by another block that gives Sentences, and choose its"
    " constants afresh.",
    "two_wordings": "Tell each axis in two different wordings and put them together with `both`.",
    "sharper_signs": "Use fewer and more typical signs: pass the axes through `sharpest` before"
    " the wording.",
    "more_evidence": "Raise how many sentences each axis gets, so that no single sentence decides"
    " how a person is read.",
    "less_evidence": "Say less on each axis: fewer sentences, but of the kind that is read most"
    " surely.",
    "wording_by_level": "Word clear levels (below 0.3 or above 0.7) in one way and levels in the"
    " middle in another: call two wordings and choose, person by person and axis by axis, between"
    " their sentences.",
    "middle_wording": "A level in the middle should show signs of both poles in equal number:"
    " build those sentences from axis['signs'] yourself, in plain Python.",
    "own_sentences": "Write the sentences of a person in plain Python from axis['signs']: choose"
    " by level how many of the low and of the high pole are told, without repeating one.",
    "no_repeats": "See to it that no two people share the same set of signs: draw signs for each"
    " person in turn, those used least so far first.",
    "label_once": "Add one plain sentence an axis that names the label of the nearer pole, beside"
    " the signs; never a number, a percentage or a score.",
    # order and joining
    "other_order": "Change the order in which the sentences are told: axis by axis, taking turns,"
    " mixed, or with the clearest axis first.",
    "other_voice": "Change the person in which it is told (first or third), and what goes with it.",
    "other_joining": "Change how the sentences are joined into a text: plain, linked, or one a"
    " line.",
    "paragraphs": "Tell each axis in a paragraph of its own, in plain Python, so that what belongs"
    " together stands together.",
    # the structure of the program
    "best_of_two": "Make two drafts of the population with different seeds, and keep for each"
    " person the draft whose sentences differ more from those of the people before.",
    "halves": "Treat two halves of the people differently, for example in wording or in order, and"
    " put them together again in the end; exactly n people must come out.",
    "simplify": "Remove what does not help: shorten the program without changing its idea, and"
    " set its constants to bolder values.",
    "constants": "Change only constants (counts, shares, factors, options), each to a value that"
    " you expect to be better, and nothing else.",
    "combine": "Take the best part of the other program (its placement, its wording or its"
    " telling) over into this one.",
    "mend_gates": "Mend what the gates complain about. If they do not complain, make the texts"
    " more different from one another.",
    "surprise": "Change the structure of the program in a way that has probably not been tried,"
    " and that could cover rarer combinations.",
}

OF_TWO = frozenset({"combine"})
"""Ideas that need another program to be shown."""
