"""Sobol × graded wording: evenly spread levels, told by labels with a degree word."""


def generate(context, n, rng):
    axes = context["axes"]
    points = sobol(n, len(axes), rng.getrandbits(31))
    lines = in_order(graded_phrase(points, axes, rng.getrandbits(31)), "axis", rng.getrandbits(31))
    texts = join(voice(lines, "first"), "plain", rng.getrandbits(31))
    return people(texts, points, rng.getrandbits(31))
