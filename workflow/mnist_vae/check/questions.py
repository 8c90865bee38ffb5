"""The five questions of part 4, with answers and reasons (at length: docs/questions.md)."""

from typing import NamedTuple


class Question(NamedTuple):
    """One question, its answer (True is yes), and the reason in a sentence."""

    text: str
    answer: bool
    reason: str


QUESTIONS = (
    Question(
        "Does p(bottom | z) factorize over the pixels?",
        True,
        "Given z, each pixel has its own Bernoulli distribution.",
    ),
    Question(
        "Does p(bottom | top) factorize over the pixels?",
        False,
        "It is an average of products over p(z | top), and an average of products is not a product: "
        "pixels of one stroke come and go together.",
    ),
    Question(
        "If training raises the ELBO, has KL(q(z|x) || p(z|x)) necessarily fallen?",
        False,
        "ELBO = log p(x) - KL, and training moves log p(x) as well: the KL may rise with it.",
    ),
    Question(
        "Can the density of a Gaussian be below 0?",
        False,
        "It is an exponential times a positive constant; only its logarithm can be negative.",
    ),
    Question(
        "Can the density of a Gaussian be above 1?",
        True,
        "A density is not a probability: N(0; 0, 0.1^2) is about 4. Only its integral is 1.",
    ),
)
WORDS = {"yes": True, "true": True, "1": True, "y": True, "no": False, "false": False, "0": False, "n": False}


def read_answer(word: str) -> bool | None:
    """Read an answer of a solution; None if it is neither yes nor no."""
    return WORDS.get(word.strip().strip("\"'.").lower())
