"""Corners × sign mix: stereotypes only, every trait at one of its ends."""


def generate(context, n, rng):
    axes = context["axes"]
    points = corners(n, len(axes), rng.getrandbits(31))
    sentences = sign_mix(points, axes, 3, rng.getrandbits(31))
    lines = voice(in_order(sentences, "axis", rng.getrandbits(31)), "first")
    return people(join(lines, "plain", rng.getrandbits(31)), points, rng.getrandbits(31))
