"""Covering design × sign mix, told at length: ten signs an axis, so that misreadings average out."""


def generate(context, n, rng):
    axes = context["axes"]
    points = covering_design(n, len(axes), 3, rng.getrandbits(31))
    sentences = sign_mix(points, axes, 10, rng.getrandbits(31))
    lines = voice(in_order(sentences, "axis", rng.getrandbits(31)), "first")
    return people(join(lines, "plain", rng.getrandbits(31)), points, rng.getrandbits(31))
