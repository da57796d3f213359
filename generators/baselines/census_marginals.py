"""Census marginals: demographics drawn independently, each from its published distribution.

Shares in percent, United States, rounded: age, sex and region of the 2020 census; highest
education of the population aged 25 and over in 2021 (Current Population Survey).
"""

AGES = [((18, 24), 12), ((25, 44), 34), ((45, 64), 32), ((65, 90), 22)]
SEXES = [("woman", 51), ("man", 49)]
REGIONS = [("the Northeast", 17), ("the Midwest", 21), ("the South", 38), ("the West", 24)]
SCHOOLING = [
    ("did not finish high school", 9),
    ("finished high school", 28),
    ("went to college without a degree", 15),
    ("have an associate degree", 11),
    ("have a bachelor's degree", 23),
    ("have a graduate degree", 14),
]
PLACES = ["a large city", "a suburb", "a small town", "the countryside"]


def draw(rng, table):
    return rng.choices([row[0] for row in table], weights=[row[1] for row in table])[0]


def generate(context, n, rng):
    names = people(["unnamed"] * n, [[0.5]] * n, rng.getrandbits(31))
    records = []
    for i in range(n):
        young, old = draw(rng, AGES)
        age = rng.randint(young, old)
        sex = draw(rng, SEXES)
        region = draw(rng, REGIONS)
        schooling = draw(rng, SCHOOLING)
        place = rng.choice(PLACES)
        name = names[i]["name"]
        text = f"My name is {name}. I am a {age} year old {sex} and live in {place} in {region}. I {schooling}."
        facts = {"age": str(age), "sex": sex, "region": region, "education": schooling}
        records.append({"name": name, "description": text, "demographics": facts})
    return records
