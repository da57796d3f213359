"""Corners × behaviour, told at length: every trait at one of its ends, by nine of its signs."""


def generate(context, n, rng):
    axes = context["axes"]
    points = corners(n, len(axes), rng.getrandbits(31))
    sentences = behaviour(points, axes, 9, rng.getrandbits(31))
    lines = voice(in_order(sentences, "axis", rng.getrandbits(31)), "first")
    return people(join(lines, "plain", rng.getrandbits(31)), points, rng.getrandbits(31))
