"""Uniform random × graded wording: what independent draws of every trait give."""


def generate(context, n, rng):
    axes = context["axes"]
    points = uniform(n, len(axes), rng.getrandbits(31))
    lines = in_order(graded_phrase(points, axes, rng.getrandbits(31)), "axis", rng.getrandbits(31))
    texts = join(voice(lines, "first"), "plain", rng.getrandbits(31))
    return people(texts, points, rng.getrandbits(31))
