"""Everyone in the middle of every axis, told at length: whatever this earns is misreading."""


def generate(context, n, rng):
    axes = context["axes"]
    points = [[0.5] * len(axes)] * n
    sentences = sign_mix(points, axes, 9, rng.getrandbits(31))
    lines = voice(in_order(sentences, "axis", rng.getrandbits(31)), "first")
    return people(join(lines, "plain", rng.getrandbits(31)), points, rng.getrandbits(31))
