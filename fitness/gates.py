"""stub"""

from fitness import fluency

DOUBTFUL = 0.1


def is_fluent(text):
    m, b = fluency.text_fluency(text, DOUBTFUL)
    return m >= 0.42 and b <= 0.4
