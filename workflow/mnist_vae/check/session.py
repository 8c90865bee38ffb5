"""A solution as the judge sees it: its process, its conventions, and what replaces its functions.

Known networks and known noise replace the solution's own, and the judge answers for a function that is not
right, so that functions that use it are judged alone. It answers over the pipe: the right answers are never
in the solution's process.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from mnist_vae.check import julia
from mnist_vae.check.compare import agree
from mnist_vae.check.contract import BERNOULLI, BY_NAME, FUNCTIONS, GAUSSIAN, LATENT, PIXELS
from mnist_vae.check.inputs import Inputs, make_inputs
from mnist_vae.check.process import Host, ProcessOverError, SolutionError
from mnist_vae.check.reference import TOP_PIXELS, Array, Right, give_probabilities, halves, perceptron

Answered = TypeVar("Answered")
LAYOUTS = ("features-first", "batch-first")
ELEMENTWISE = (GAUSSIAN, BERNOULLI)  # may be summed over features or not
TOPS = ("top_half_log_likelihood", "top_half_joint")
DENSITIES = (*ELEMENTWISE, "log_prior", "log_likelihood", "joint_log_density", "log_q", *TOPS)
GAUSSIANS = (GAUSSIAN, "log_q")  # the order of their arguments cannot be inferred from shapes


@dataclass(frozen=True)
class Options:
    """How a solution is read. Layout and dtype are detected if they are empty."""

    layout: str = ""
    dtype: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    holder: str = ""
    seconds: float = 30.0
    alone: bool = False


@dataclass(frozen=True)
class Reading:
    """One of several equally valid ways to read a function.

    `probabilities`: the decoder ends in a sigmoid, and the functions that use it take that into account;
    `one_image`: the function takes one image, not a batch; `bools`: images are Bool. The others describe
    functions that the judge answers for, if the solution's own does not show it: whether an axis of length 1
    is kept, whether terms are left unsummed, and which of the contract's orders arguments have.
    """

    probabilities: bool = False
    one_image: bool = False
    bools: bool = False
    keeps_axis: bool = False
    elementwise: bool = False
    order: int = 0


@dataclass
class Observed:
    """One call's results, in (batch, features), and how often it read each known function."""

    arrays: list[Array]
    calls: Counter[str]

    @property
    def value(self) -> Array:
        """Its only result, or its last."""
        return self.arrays[-1]


class Session:
    """One solution, and the process that holds it."""

    def __init__(self, solution: Path, options: Options, host: Host | None = None) -> None:
        """`host` may serve several solutions of one folder, one after the other; it is not closed."""
        self.solution, self.options = solution, options
        self.language = "julia" if solution.suffix == ".jl" else "python"
        self.julia = julia.require_julia() if self.language == "julia" else None
        self.shared, self.host = host, host
        self.inputs: Inputs = make_inputs()
        self.random = np.random.default_rng(0)
        self.layout = options.layout or LAYOUTS[0]
        self.dtype = options.dtype or "float64"
        self.form = "tuple"  # or "stacked": the form of the encoder's output
        self.framework = ""
        self.defined: set[str] = set()
        self.reading = Reading()
        self.known: list[Array] | None = None  # the known decoder, once known networks are put in
        self.stand_ins: list[str] = []  # functions that the judge answers for
        self.asked: Counter[str] = Counter()  # how often it did so
        self.read: Counter[str] = Counter()  # how often known functions were read, in this reading
        self.free = False  # whether the current call draws its own noise
        self.keeps_axis: dict[str, bool] = {}  # by function, whether its own results are (batch, 1)
        self.elementwise: dict[str, bool] = {}
        self.orders: dict[str, tuple[str, ...]] = {}  # by function, the order of its arguments
        self._own: dict[tuple[str, bytes], list[Array]] = {}

    # --- the process ---------------------------------------------------------------------------------------

    def load(self) -> None:
        """Start a process that runs the file; after a crash, with all replacements made before."""
        if self.host is None:
            self.host = Host(self.solution, self.julia, self.options.seconds, self.options.alone)
        self.host.answer = self.answer
        words = {
            function.name: self.options.names.get(function.name, "|".join(function.names))
            for function in FUNCTIONS
        }
        self.framework, *names = self.host.load(words, self.options.holder, self.solution.name)
        self.defined = set(names)
        if self.known is not None:
            self.know(self.known)
        for name in self.stand_ins:
            self._put(name)

    def reload(self) -> None:
        """Run the file again, with its own networks and functions; a replaced `batches` stays replaced."""
        self.known = None
        self.stand_ins = [name for name in self.stand_ins if name == "batches"]
        self.read_as(Reading())
        self.forget_own()
        self.load()

    def close(self) -> None:
        """End the process, unless others use it."""
        if self.host is not None and self.host is not self.shared:
            self.host.close()

    def ask(self, request: Callable[[Host], Answered]) -> Answered:
        """Send a request to the host. If its process ends, start it again and raise the error."""
        assert self.host is not None
        try:
            return request(self.host)
        except ProcessOverError:
            self.host = None
            self.load()
            raise

    def read_as(self, reading: Reading) -> None:
        """Choose how to read the next calls."""
        before, self.reading = self.reading, reading
        self.read.clear()
        if self.known is not None and before.probabilities != reading.probabilities:
            self.know(self.known)

    # --- what is known -------------------------------------------------------------------------------------

    def known_encoder(self, x: Array) -> tuple[Array, Array]:
        """The known encoder."""
        return halves(perceptron(self.inputs.encoder)(x))

    def right(self) -> Right:
        """The right computation for the known networks."""
        right = Right(perceptron(self.known or self.inputs.decoder), self.known_encoder)
        return right.but(give_probabilities) if self.reading.probabilities else right

    def right_for(self, calls: Counter[str], needs: Sequence[str]) -> Right:
        """The right computation for the networks that a call read: known ones, or the solution's own."""
        read = {name for name in calls if calls[name]}
        read |= {network for name in read & BY_NAME.keys() for network in BY_NAME[name].needs}
        right = self.right()
        if "decoder" in needs and "decoder" not in read:
            right.decoder = self.own_decoder
        if "encoder" in needs and "encoder" not in read:
            right.encoder = self.own_encoder
        return right

    def know(self, decoder: list[Array]) -> None:
        """Replace networks and noise by known ones."""
        self.known = decoder
        noises = [*self.inputs.noises.values(), self.inputs.noises[1][0]]
        networks = [[array.astype(self.dtype) for array in each] for each in (decoder, self.inputs.encoder)]
        ends = "sigmoid" if self.reading.probabilities else ""
        given = [self.give(noise) for noise in noises]
        self.ask(lambda host: host.know(self.layout, self.form, ends, networks[0], networks[1], given))

    def answer_for(self, name: str) -> None:
        """Let the judge answer for a function from now on, wherever the solution uses it."""
        if name not in self.stand_ins:
            self.stand_ins.append(name)
            self._put(name)

    def _put(self, name: str) -> None:
        self.ask(lambda host: host.stand_in(name, len(BY_NAME[name].arguments)))

    def answer(self, name: str, given: Sequence[Array]) -> list[Array]:
        """A function's right results, in the solution's form, from arguments in its form."""
        if name not in self.stand_ins:
            raise ValueError("it is the solution's own")
        self.asked[name] += 1
        function, right = BY_NAME[name], self.right()
        arguments = [(array.T if self.features_first else array).astype(np.float64) for array in given]
        orders = (function.arguments, *function.orders)
        if name in GAUSSIANS:
            order = self.orders.get(name, orders[min(self.reading.order, len(orders) - 1)])
            arguments = [arguments[order.index(argument)] for argument in function.arguments]
        elif (name == BERNOULLI and np.isin(arguments[0], (0, 1)).all()) or (
            function.arguments == ("x", "z") and arguments[0].shape[-1:] == (LATENT,)
        ):
            arguments.reverse()
        if name in ("elbo", "loss"):
            arguments.append(self._noise(len(arguments[0])))
        if name == "batches":
            return [self.give(batch) for batch in right.batches(arguments[0])]
        if name == GAUSSIAN and self.elementwise.get(name, self.reading.elementwise):
            values = right.normal(arguments[2], arguments[0], arguments[1])
        else:
            values = getattr(right, name)(*arguments)
        if name == BERNOULLI and not self.elementwise.get(name, self.reading.elementwise):
            values = values.sum(-1)
        summed = not self.elementwise.get(name, self.reading.elementwise and name in ELEMENTWISE)
        if name in DENSITIES and summed and self.keeps_axis.get(name, self.reading.keeps_axis):
            values = values[..., None]
        return [np.asarray(values.T if self.features_first else values, self.dtype, order="C")]

    def _noise(self, count: int) -> Array:
        known = None if self.free else self.inputs.noises.get(count)
        self.asked["unknown" if known is None else "sampler"] += 1
        return self.random.standard_normal((count, LATENT)) if known is None else known

    # --- calls ---------------------------------------------------------------------------------------------

    @property
    def features_first(self) -> bool:
        """Whether arrays are (features, batch)."""
        return self.layout == LAYOUTS[0]

    def give(self, array: Array) -> Array:
        """An argument in the solution's layout and precision."""
        is_image = array.shape[-1:] in ((PIXELS,), (TOP_PIXELS,)) and np.isin(array, (0, 1)).all()
        dtype = "bool" if self.reading.bools and is_image else self.dtype
        return np.asarray(array.T if self.features_first else array, dtype=dtype, order="C")

    def observe(
        self,
        name: str,
        arguments: Sequence[Array],
        repeats: int = 1,
        way: Literal["call", "own", "free"] = "call",
    ) -> Observed:
        """Call a function. Raises SolutionError with what it raised, or how its process ended."""
        if not self.reading.one_image:
            return self._call(name, arguments, repeats, way)
        count = len(arguments[0])
        each = [
            self._call(name, [array[row] if array.ndim > 1 else array for array in arguments], repeats, way)
            for row in range(count)
        ]
        calls = sum((seen.calls for seen in each), Counter[str]())
        axis = 1 if repeats > 1 else 0
        return Observed([np.stack([seen.value for seen in each], axis)], calls)

    def _call(
        self, name: str, arguments: Sequence[Array], repeats: int, way: Literal["call", "own", "free"]
    ) -> Observed:
        before = self.asked.copy()
        self.free = way == "free"
        given = [self.give(argument) for argument in arguments]
        found, calls = self.ask(lambda host: host.call(name, given, repeats, way))
        if self.features_first and name != "mnist_img":
            # Repeated results have one more axis, in front.
            found = [array.swapaxes(-1, -2) if array.ndim == 2 + (repeats > 1) else array for array in found]
            if not self.reading.one_image:
                found = [
                    np.moveaxis(array, -1, 0) if array.ndim == 3 and repeats == 1 else array
                    for array in found
                ]
        seen = Counter(calls) + (self.asked - before)
        self.read |= seen
        return Observed([array.astype(np.float64) for array in found], seen)

    def own_network(self, name: str, argument: Array) -> list[Array]:
        """The outputs of the solution's own network for (..., features)."""
        key = name, argument.tobytes()
        if key not in self._own:
            rows = argument.reshape(-1, argument.shape[-1])
            outputs = self._call(name, [rows], 1, "own").arrays
            self._own[key] = [output.reshape(*argument.shape[:-1], -1) for output in outputs]
        return self._own[key]

    def forget_own(self) -> None:
        """Forget the outputs of its own networks, which have changed."""
        self._own.clear()

    def own_decoder(self, z: Array) -> Array:
        """Logits by the solution's own decoder."""
        return self.own_network("decoder", z)[-1]

    def own_encoder(self, x: Array) -> tuple[Array, Array]:
        """Mean and log_std by the solution's own encoder."""
        outputs = self.own_network("encoder", x)
        return halves(outputs[0]) if len(outputs) == 1 else (outputs[0], outputs[1])

    # --- conventions ---------------------------------------------------------------------------------------

    def find_conventions(self) -> None:
        """Detect layout, precision and the form of the encoder's output by trial."""
        precisions = ["float64"] if self.framework in ("numpy", "julia") else ["float32", "float64"]
        layouts = [self.options.layout] if self.options.layout else LAYOUTS
        precisions = [self.options.dtype] if self.options.dtype else precisions
        best = -1
        for self.dtype, self.layout in itertools.product(precisions, layouts):
            score = self._score()
            if score > best:
                best, found = score, (self.dtype, self.layout)
        self.dtype, self.layout = found
        self.forget_own()
        if "encoder" in self.defined:
            try:
                outputs = self.own_network("encoder", self.inputs.arguments["x"])
                self.form = "tuple" if len(outputs) > 1 else "stacked"
            except SolutionError:
                pass

    def _score(self) -> int:
        """A score of how well the current layout and precision fit the solution."""
        score = 0
        for name, width in (("decoder", PIXELS), ("encoder", 2 * LATENT)):
            if name in self.defined:
                argument = self.inputs.arguments["z" if name == "decoder" else "x"]
                try:
                    outputs = self.observe(name, [argument], way="own").arrays
                    shapes = {output.shape for output in outputs}
                    score += 9 * (
                        shapes in ({(len(argument), width)}, {(len(argument), width // len(outputs))})
                    )
                except SolutionError:
                    pass
        for name in ("log_prior", "log_q", GAUSSIAN, BERNOULLI, "top_half"):
            if name in self.defined:
                arguments = [self.inputs.arguments[argument] for argument in BY_NAME[name].arguments]
                try:
                    found, value = (
                        self.observe(name, arguments).value,
                        getattr(self.right(), name)(*arguments),
                    )
                    score += 3 if agree(found, value) else np.squeeze(found).shape == np.squeeze(value).shape
                except SolutionError:
                    pass
        return score
