"""Name only: the poorest persona there is, a name and nothing else."""


def generate(context, n, rng):
    points = [[0.5] * len(context["axes"])] * n
    records = people(["unnamed"] * n, points, rng.getrandbits(31))
    return [{"name": r["name"], "description": f"{r['name']}."} for r in records]
