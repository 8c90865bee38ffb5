"""The assignment's functions that a solution may define: names, arguments and points (docs/check.md).

Shapes are for (batch, features); a solution may use (features, batch) instead.
"""

from dataclasses import dataclass

PIXELS, LATENT = 784, 2
POINTS = 48  # the assignment's total; the points of single functions are this project's choice


@dataclass(frozen=True)
class Function:
    """One function of the assignment.

    `arguments` are in the order of docs/check.md; `orders` are other accepted orders. `needs` are the
    networks that it reads, and `uses` the functions that it is made of. `points` is 0 if the assignment
    provides the function, or asks for a picture instead.
    """

    name: str
    part: str
    arguments: tuple[str, ...]
    points: int = 0
    aliases: tuple[str, ...] = ()
    orders: tuple[tuple[str, ...], ...] = ()
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a solution may give it."""
        return (self.name, *self.aliases)


GIVEN, MODEL, INFERENCE, PICTURES, COMPLETION = (
    "given",
    "1: the model",
    "2: inference and training",
    "3: pictures",
    "4: the bottom, given the top",
)
GAUSSIAN, BERNOULLI = "factorized_gaussian_log_density", "bernoulli_log_density"

FUNCTIONS = (
    Function("binarize", GIVEN, ("grey",)),
    Function("batches", GIVEN, ("images",), aliases=("batch_x",)),
    Function("mnist_img", GIVEN, ("image",), aliases=("picture",)),
    Function(
        GAUSSIAN,
        GIVEN,
        ("q_mean", "q_log_std", "z"),
        aliases=("gaussian_log_density", "normal_log_density"),
        orders=(("z", "q_mean", "q_log_std"),),
    ),
    Function(BERNOULLI, GIVEN, ("logits", "x"), orders=(("x", "logits"),)),
    Function("sample_diag_gaussian", GIVEN, ("many_mean", "many_log_std"), aliases=("reparameterize",)),
    Function("log_prior", MODEL, ("z",), 2, uses=(GAUSSIAN,)),
    Function("decoder", MODEL, ("z",), 3, aliases=("decode",)),
    Function(
        "log_likelihood", MODEL, ("x", "z"), 3, orders=(("z", "x"),), needs=("decoder",), uses=(BERNOULLI,)
    ),
    Function(
        "joint_log_density",
        MODEL,
        ("x", "z"),
        2,
        orders=(("z", "x"),),
        needs=("decoder",),
        uses=("log_prior", "log_likelihood"),
    ),
    Function("encoder", INFERENCE, ("x",), 3, aliases=("encode",)),
    Function(
        "log_q",
        INFERENCE,
        ("q_mean", "q_log_std", "z"),
        2,
        orders=(("z", "q_mean", "q_log_std"),),
        uses=(GAUSSIAN,),
    ),
    Function(
        "elbo",
        INFERENCE,
        ("x",),
        5,
        needs=("encoder", "decoder"),
        uses=("joint_log_density", "log_likelihood", "log_prior", "log_q", "sample_diag_gaussian"),
    ),
    Function("loss", INFERENCE, ("x",), 2, needs=("encoder", "decoder"), uses=("elbo",)),
    Function(
        "train_model_params",
        INFERENCE,
        (),
        5,
        aliases=("train_model_params!", "train", "train!"),
        uses=("batches",),
    ),
    Function("test_loss", INFERENCE, ("test_images",), 1, needs=("encoder", "decoder"), uses=("loss",)),
    Function("prior_samples", PICTURES, ("count",), needs=("decoder",)),
    Function("interpolation", PICTURES, ("z_first", "z_second", "weight"), 2),
    Function(
        "interpolated_picture",
        PICTURES,
        ("x_first", "x_second", "weight"),
        needs=("encoder", "decoder"),
        uses=("interpolation",),
    ),
    Function("top_half", COMPLETION, ("x",), 2),
    Function(
        "top_half_log_likelihood",
        COMPLETION,
        ("x", "z"),
        3,
        aliases=("top_half_ll",),
        orders=(("x_top", "z"), ("z", "x"), ("z", "x_top")),
        needs=("decoder",),
        uses=("top_half", BERNOULLI),
    ),
    Function(
        "top_half_joint",
        COMPLETION,
        ("x", "z"),
        3,
        aliases=("top_half_joint_log_density",),
        orders=(("x_top", "z"), ("z", "x"), ("z", "x_top")),
        needs=("decoder",),
        uses=("top_half_log_likelihood", "log_prior"),
    ),
    Function(
        "top_half_elbo",
        COMPLETION,
        ("x", "q_mean", "q_log_std"),
        5,
        orders=(
            ("q_mean", "q_log_std", "x"),
            ("x_top", "q_mean", "q_log_std"),
            ("q_mean", "q_log_std", "x_top"),
        ),
        needs=("decoder",),
        uses=("top_half_joint", "log_q", "sample_diag_gaussian"),
    ),
    Function("contour_heights", COMPLETION, ("log_density",)),
)
BY_NAME = {function.name: function for function in FUNCTIONS}
ANSWER_POINTS = 5  # one per question


def used_by(function: Function) -> set[str]:
    """The functions and networks that a function is made of, directly or not."""
    found: set[str] = set()
    waiting = [*function.uses, *function.needs]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [*BY_NAME[name].uses, *BY_NAME[name].needs]
    return found
