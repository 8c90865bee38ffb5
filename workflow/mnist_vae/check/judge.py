"""The judge: each function of a solution, from the lowest up, against the right one, then the mistakes.

Functions that draw their own noise are called often, and their mean is compared with the right one's, which
is known by quadrature. `DEVIATIONS` standard errors are allowed: a right solution goes beyond them with a
probability of 3e-12 a function (two-sided, of a normal mean of hundreds of calls), so below 1e-6 for a whole
check with room for what the normal approximation misses.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from mnist_vae.check import julia, process, questions
from mnist_vae.check.contract import (
    BERNOULLI,
    BY_NAME,
    FUNCTIONS,
    GAUSSIAN,
    LATENT,
    PIXELS,
    Function,
)
from mnist_vae.check.inputs import HIDDEN, MANY, SAMPLES, Inputs, make_inputs
from mnist_vae.check.mistakes import MISTAKES, Mistake
from mnist_vae.check.process import Host, ProcessOverError, SolutionError
from mnist_vae.check.reference import Array, Right, halves, perceptron, quadrature

Answered = TypeVar("Answered")
LAYOUTS = ("features-first", "batch-first")
TOLERANCE = 3e-5  # relative, and absolute below 1: what float32 leaves of a sum over 784 pixels
REPEATS = {"elbo": 200, "loss": 200, "test_loss": 30, "top_half_elbo": 100}  # calls of a function that draws
DEVIATIONS = 7.0
QUADRATURE_ERROR = 0.05  # nats, at most, of the expectations
SPREAD = 4.0  # variances that a right bound may have, as a multiple of the one-draw estimators'
EPOCHS = 3
MORE_EPOCHS = 20  # where the loss has not clearly fallen by then
DRAWS_AN_IMAGE = 2_000  # at most, of a solution's own: so much may its bound vary less than with one
ELEMENTWISE = (GAUSSIAN, BERNOULLI)  # may be summed over features or not: those who call them do the rest
SHOWN = 3  # inputs of an unexplained difference
MOMENTS: dict[str, tuple[Array, Array, float]] = {}  # of right bounds of known networks: the same for all
NOT_YET = "not there yet"


class UnjudgedError(SolutionError):
    """A function that cannot be judged, as the sentence says."""


@dataclass(frozen=True)
class Options:
    """How a solution is read. Empty means: found out."""

    layout: str = ""
    dtype: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    holder: str = ""
    seconds: float = 30.0
    alone: bool = False


@dataclass(frozen=True)
class Verdict:
    """What one function came to.

    status: "right"; "wrong", explained by mistakes or not; "follows", wrong only because of a function below
    it; "failed", it raised or did not end; "absent"; "unjudged". `deviation` is that of `deviation`, where
    values were compared one by one.
    """

    function: str
    status: str
    sentence: str = ""
    mistakes: tuple[str, ...] = ()
    deviation: float | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether the solution is to be mended here."""
        return self.status in ("wrong", "failed")


@dataclass(frozen=True)
class Report:
    """A checked solution. `trouble` says why nothing could be judged, `notes` what was left out of it."""

    name: str
    language: str = ""
    framework: str = ""
    layout: str = ""
    dtype: str = ""
    sandboxed: bool = False
    verdicts: tuple[Verdict, ...] = ()
    trouble: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.trouble) or any(verdict.is_wrong for verdict in self.verdicts)


@dataclass
class Observed:
    """One call's results, in (batch, features), and how often it read what is known."""

    arrays: list[Array]
    calls: dict[str, int]

    @property
    def value(self) -> Array:
        """Its only result, or its last."""
        return self.arrays[-1]


def check(solution: Path, options: Options | None = None, host: Host | None = None) -> Report:
    """Judge a file. A solution that cannot be judged at all is a report as well; it says why."""
    options = options or Options()
    judge = Judge(solution, options, host)
    report = Report(solution.name, judge.language, sandboxed=process.bubblewrap() is not None)
    try:
        judge.load()
        verdicts = tuple(judge.climb())
    except SolutionError as error:
        return replace(report, trouble=explain_trouble(str(error), judge.language))
    finally:
        judge.close()
    return replace(
        report, framework=judge.framework, layout=judge.layout, dtype=judge.dtype, verdicts=verdicts
    )


def unjudged_before(reasons: Sequence[str]) -> str:
    """Say which functions must be right first."""
    return f"cannot be judged before {' and '.join(reasons)} {'is' if len(reasons) == 1 else 'are'} right"


def explain_trouble(sentence: str, language: str) -> str:
    """Say what to do about a file that cannot be loaded."""
    guard = 'if __name__ == "__main__":' if language == "python" else "if abspath(PROGRAM_FILE) == @__FILE__"
    advice = ""
    if "did not end" in sentence or "crashed" in sentence or "processes" in sentence:
        advice = f" Does it train, plot or wait at import? Put that under `{guard}`."
    return (
        f"The file {sentence}.{advice}" if sentence[:1].islower() else f"The file fails: {sentence}.{advice}"
    )


def squeezed(array: Array) -> Array:
    """Without axes of length 1."""
    return np.squeeze(array)


def deviation(found: Array, right: Array) -> float:
    """Largest deviation: relative, and absolute below 1. Infinite where shapes differ, or what is not finite.

    Axes of length 1 do not count.
    """
    found, right = squeezed(found), squeezed(np.asarray(right))
    if found.shape != right.shape:
        return np.inf
    scale = np.abs(right[np.isfinite(right)]).max(initial=0.0)
    equal = (found == right) | (np.isnan(found) & np.isnan(right))
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(equal, 0.0, np.abs(found - right) / (min(1.0, scale) + np.abs(right)))
    return float(np.nan_to_num(each, nan=np.inf, posinf=np.inf).max(initial=0.0))


def agree(found: Array, right: Array) -> bool:
    """Whether two results are the same, up to rounding and axes of length 1."""
    return deviation(found, right) <= TOLERANCE


def transposed(array: Array) -> Array:
    """(features, batch) to (batch, features), and back; vectors and numbers stay."""
    return array.T if array.ndim == 2 else array


class Judge:
    """One solution, the process that holds it, and what was found so far."""

    def __init__(self, solution: Path, options: Options, host: Host | None = None) -> None:
        """`host` may hold other solutions of the same folder as well, one after the other; it stays open."""
        self.shared = host
        self.solution, self.options = solution, options
        self.language = "julia" if solution.suffix == ".jl" else "python"
        self.julia = julia.require_julia() if self.language == "julia" else None
        self.inputs: Inputs = make_inputs()
        self.nodes, self.node_weights = quadrature()
        self.host: Host | None = None
        self.knowing: list[Array] | None = None  # the known decoder, once known networks are put in
        self.layout = options.layout or LAYOUTS[0]
        self.dtype = options.dtype or "float64"
        self.form = "tuple"
        self.framework = ""
        self.defined: set[str] = set()
        self.placed: dict[str, tuple[str, ...]] = {}  # mistakes by the function they were found in
        self.unexplained: set[str] = set()
        self.deviations: dict[str, float] = {}  # by function, of the order of arguments that fits best
        self._own: dict[tuple[str, bytes], list[Array]] = {}

    # --- the process ---------------------------------------------------------------------------------------

    def load(self) -> None:
        """Start a process and let it run the file."""
        self.host, self.shared = self.shared, None
        self.closes = self.host is None
        if self.host is None:
            self.host = Host(self.solution, self.julia, self.options.seconds, self.options.alone)
        words = {
            function.name: self.options.names.get(function.name, "|".join(function.names))
            for function in FUNCTIONS
        }
        self.framework, *names = self.host.load(words, self.options.holder, self.solution.name)
        self.defined = set(names)

    def close(self) -> None:
        """End the process."""
        if self.host is not None and self.closes:
            self.host.close()

    def restart(self) -> None:
        """Go on after a crash, as before it."""
        self.load()
        if self.knowing is not None:
            self.know(self.knowing)

    def ask(self, request: Callable[[Host], Answered]) -> Answered:
        """Let the host do something; where its process ends, begin anew and let the sentence pass on."""
        assert self.host is not None
        try:
            return request(self.host)
        except ProcessOverError:
            self.restart()
            raise

    def know(self, decoder: list[Array], noise: bool = True) -> None:
        """Put known networks in, and known noise, unless the solution is to draw its own."""
        self.knowing = decoder
        noises = [self.give(noise) for noise in self.inputs.noises.values()] if noise else []
        networks = [
            [array.astype(self.dtype) for array in network] for network in (decoder, self.inputs.encoder)
        ]
        self.ask(lambda host: host.know(self.layout, self.form, networks[0], networks[1], noises))

    def give(self, array: Array) -> Array:
        """An argument in the solution's layout and precision."""
        array = transposed(array) if self.layout == LAYOUTS[0] else array
        return np.asarray(array, dtype=self.dtype, order="C")

    def observe(self, name: str, arguments: Sequence[Array], repeats: int = 1, own: bool = False) -> Observed:
        """Call a function. Raises SolutionError with what it raised, or how its process ended."""
        given = [self.give(argument) for argument in arguments]
        found, calls = self.ask(lambda host: host.call(name, given, repeats, own))
        if self.layout == LAYOUTS[0] and name != "mnist_img":
            # Repeated results have an axis more, in front.
            found = [array.swapaxes(-1, -2) if array.ndim == 2 + (repeats > 1) else array for array in found]
        return Observed([array.astype(np.float64) for array in found], calls)

    def own_network(self, name: str, argument: Array) -> list[Array]:
        """What the solution's own network makes of (..., features)."""
        key = name, argument.tobytes()
        if key not in self._own:
            rows = argument.reshape(-1, argument.shape[-1])
            outputs = self.observe(name, [rows], own=True).arrays
            self._own[key] = [output.reshape(*argument.shape[:-1], -1) for output in outputs]
        return self._own[key]

    def own_decoder(self, z: Array) -> Array:
        """Logits by the solution's own decoder."""
        return self.own_network("decoder", z)[-1]

    def own_encoder(self, x: Array) -> tuple[Array, Array]:
        """Mean and log_std by the solution's own encoder."""
        outputs = self.own_network("encoder", x)
        return halves(outputs[0]) if len(outputs) == 1 else (outputs[0], outputs[1])

    # --- conventions ---------------------------------------------------------------------------------------

    def find_conventions(self) -> None:
        """Find layout, precision and the form of the encoder's output, by what works."""
        precisions = ["float64"] if self.framework in ("numpy", "julia") else ["float32", "float64"]
        layouts = [self.options.layout] if self.options.layout else LAYOUTS
        precisions = [self.options.dtype] if self.options.dtype else precisions
        best = -1
        for self_dtype, self_layout in itertools.product(precisions, layouts):
            self.dtype, self.layout = self_dtype, self_layout
            score = self._score()
            if score > best:
                best, found = score, (self_dtype, self_layout)
        self.dtype, self.layout = found
        self._own.clear()
        if "encoder" in self.defined:
            try:
                outputs = self.observe("encoder", [self.inputs.arguments["x"]], own=True).arrays
                self.form = "tuple" if len(outputs) > 1 else "stacked"
            except SolutionError:
                pass

    def _score(self) -> int:
        """How much of the solution speaks for the layout and precision that are being tried."""
        score = 0
        for name, width in (("decoder", PIXELS), ("encoder", 2 * LATENT)):
            if name in self.defined:
                argument = self.inputs.arguments["z" if name == "decoder" else "x"]
                try:
                    outputs = self.observe(name, [argument], own=True).arrays
                    shapes = {output.shape for output in outputs}
                    score += 9 * (
                        shapes in ({(len(argument), width)}, {(len(argument), width // len(outputs))})
                    )
                except SolutionError:
                    pass
        right = Right(perceptron(self.inputs.decoder), self.known_encoder)
        for name in ("log_prior", "log_q", GAUSSIAN, BERNOULLI, "top_half"):
            if name in self.defined:
                arguments = [self.inputs.arguments[argument] for argument in BY_NAME[name].arguments]
                try:
                    found, value = self.observe(name, arguments).value, getattr(right, name)(*arguments)
                    score += 3 if agree(found, value) else squeezed(found).shape == squeezed(value).shape
                except SolutionError:
                    pass
        return score

    def known_encoder(self, x: Array) -> tuple[Array, Array]:
        """The known one."""
        return halves(perceptron(self.inputs.encoder)(x))

    # --- climbing ------------------------------------------------------------------------------------------

    def climb(self) -> Iterator[Verdict]:
        """Judge every function, in the assignment's order; what known networks would replace comes first."""
        self.find_conventions()
        verdicts = {}
        for function in FUNCTIONS:
            if function.name not in self.defined:
                word = self.options.names.get(function.name)
                sentence = f"the file has no {word}, which --name gives" if word else NOT_YET
                verdicts[function.name] = Verdict(function.name, "absent", sentence)
        # Batches before the training that is made of them.
        for name in ("decoder", "encoder", "batches", "train_model_params", "sample_diag_gaussian"):
            if name in self.defined:
                verdicts[name] = self.judged(BY_NAME[name])
        try:
            self.know(self.inputs.decoder)
        except SolutionError as error:
            raise SolutionError(f"cannot be given known networks ({error})") from error
        for function in FUNCTIONS:
            if function.name not in verdicts:
                verdicts[function.name] = self.judged(function)
        yield from (verdicts[function.name] for function in FUNCTIONS)
        yield from self.judge_answers()

    def judged(self, function: Function) -> Verdict:
        """One function's verdict; what it raises is one too."""
        ways = {
            "decoder": self.judge_network,
            "encoder": self.judge_network,
            "train_model_params": self.judge_training,
            "batches": self.judge_batches,
            "sample_diag_gaussian": self.judge_sampler,
            "elbo": self.judge_bound,
            "loss": self.judge_bound,
            "test_loss": self.judge_bound,
            "top_half_elbo": self.judge_bound,
            "prior_samples": self.judge_prior_samples,
        }
        try:
            verdict = ways.get(function.name, self.judge_exact)(function)
        except UnjudgedError as error:
            verdict = Verdict(function.name, "unjudged", str(error))
        except SolutionError as error:
            reasons = sorted((self.unexplained | self.placed.keys()) & used_by(function))
            verdict = Verdict(function.name, "failed", str(error))
            if reasons:
                verdict = Verdict(
                    function.name, "follows", f"{unjudged_before(reasons)}; it ends with {error}"
                )
        if verdict.status == "wrong" and verdict.mistakes:
            self.placed[function.name] = verdict.mistakes
        elif verdict.is_wrong:
            self.unexplained.add(function.name)
        return replace(verdict, deviation=self.deviations.get(function.name))

    def compared(self, function: Function, found: Array, values: Sequence[Array]) -> bool:
        """Whether a result agrees with one of the right values; how far it is from the nearest is kept."""
        nearest = min(deviation(found, value) for value in values)
        if np.isfinite(nearest):
            self.deviations[function.name] = min(nearest, self.deviations.get(function.name, np.inf))
        return nearest <= TOLERANCE

    def networks(self, function: Function, calls: Mapping[str, int]) -> Right:
        """The right computation for the networks that a call read: known ones, or the solution's own."""
        for name in function.needs:
            if not calls.get(name) and name not in self.defined:
                raise UnjudgedError(f"needs `{name}`, which is not there under this name (see --name)")
        own = {name for name in function.needs if not calls.get(name)}
        return Right(
            self.own_decoder if "decoder" in own else perceptron(self.knowing or self.inputs.decoder),
            self.own_encoder if "encoder" in own else self.known_encoder,
        )

    def worlds(self, function: Function, right: Right, skipped: Sequence[str] = ()) -> list[Right]:
        """The right computation with the mistakes found below: all of them, and each alone."""
        below = [name for name in self.placed if name in used_by(function) and name not in skipped]
        return [
            world
            for names in dict.fromkeys([tuple(below), *((name,) for name in below)])
            if names and (world := self.with_mistakes(right, names)) is not None
        ]

    def with_mistakes(self, right: Right, names: Sequence[str]) -> Right:
        """The right computation with the mistakes of these functions."""
        for name in names:
            changed = right
            for word in self.placed[name]:
                changed = changed.but(MISTAKES[word].change)
            right = right.with_function(name, changed)
        return right

    def diagnose(
        self,
        function: Function,
        right: Right,
        matches: Callable[[Right], bool],
        skipped: Sequence[str] = (),
        pairs: bool = True,
        distance: Callable[[Right], float] | None = None,
    ) -> Verdict | None:
        """Say which mistakes make of the right computation what was observed; None if none do.

        `matches` says whether a computation gives what was observed; where several may, `distance` says how
        nearly, and the nearest is taken. Mistakes of `skipped` functions, which are replaced, cannot be the
        reason.
        """

        def gives(world: Right) -> bool:
            try:
                with np.errstate(all="ignore"):
                    return matches(world)
            except (ValueError, IndexError, FloatingPointError):  # shapes that do not fit
                return False

        below = self.worlds(function, right, skipped)
        if any(gives(world) for world in below):
            reasons = [name for name in self.placed if name in used_by(function)]
            return Verdict(function.name, "follows", f"wrong only because {' and '.join(reasons)} is")
        here = [mistake for mistake in MISTAKES.values() if function.name in mistake.places]
        lower = [
            mistake
            for mistake in MISTAKES.values()
            if mistake not in here and set(mistake.places) & (used_by(function) - set(skipped))
        ]

        def put(world: Right, *mistakes: Mistake) -> Right:
            changed = world
            for mistake in mistakes:
                changed = changed.but(mistake.change)
            return world.with_function(function.name, changed)

        if function.name == "test_loss" and {"loss", "elbo"} & self.defined:
            lower = []  # they have been judged
        bases = [right, *below]
        tries: list[Iterable[tuple[Mistake, ...]]] = [[(each,) for each in here], [(each,) for each in lower]]
        if pairs and not below:
            tries += [itertools.combinations(here, 2), itertools.product(here, lower)]
        for some in tries:
            found = (
                (mistakes, world)
                for mistakes in some
                for base in bases
                if gives(world := put(base, *mistakes))
            )
            if distance is None:
                nearest = next(found, None)
            else:
                nearest = min(found, key=lambda pair: distance(pair[1]), default=None)
            if nearest is not None:
                return self.named(function, nearest[0])
        return None

    def named(self, function: Function, mistakes: Sequence[Mistake], effect: str = "") -> Verdict:
        """The verdict that names mistakes."""
        says = ", and ".join(mistake.says for mistake in mistakes)
        instead = "; ".join(dict.fromkeys(mistake.instead for mistake in mistakes))
        sentence = (
            f"{effect or 'gives what it gives'} when {says}{'; instead, ' if ':' in says else ': '}{instead}"
        )
        return Verdict(function.name, "wrong", sentence, tuple(mistake.name for mistake in mistakes))

    def unexplained_verdict(self, function: Function, sentence: str) -> Verdict:
        """The verdict on a difference that no mistake explains."""
        reasons = sorted((self.unexplained | self.placed.keys()) & used_by(function))
        if reasons:
            return Verdict(function.name, "follows", unjudged_before(reasons))
        return Verdict(function.name, "wrong", sentence)

    # --- functions without noise ---------------------------------------------------------------------------

    def judge_exact(self, function: Function) -> Verdict:
        """Compare a function's values, in each order of its arguments."""
        canonical = [self.inputs.arguments[name] for name in function.arguments]
        observed: list[Observed] = []
        errors: list[SolutionError] = []
        for order in (function.arguments, *function.orders):
            try:
                seen = self.observe(function.name, [self.inputs.arguments[name] for name in order])
            except SolutionError as error:
                errors.append(error)
                continue
            right = self.networks(function, seen.calls)
            values = [getattr(right, function.name)(*canonical)]
            if function.name == GAUSSIAN:
                values.append(right.normal(canonical[2], canonical[0], canonical[1]))
            if function.name == BERNOULLI:
                values.append(values[0].sum(-1))
            if self.compared(function, seen.value, values):
                return self.judge_steep(function, order)
            observed.append(seen)
        if not observed:
            raise errors[0]
        return self.explained(function, observed, canonical)

    def explained(self, function: Function, observed: list[Observed], canonical: list[Array]) -> Verdict:
        """Name what went wrong in a function without noise, in whichever order of arguments explains it."""
        for seen in observed:
            right = self.networks(function, seen.calls)

            def matches(world: Right, seen: Observed = seen) -> bool:
                value = getattr(world, function.name)(*canonical)
                if agree(seen.value, value):
                    return True
                return function.name == BERNOULLI and agree(seen.value, value.sum(-1))

            verdict = self.diagnose(function, right, matches, ("decoder", "encoder"))
            if verdict is not None:
                value = getattr(right, function.name)(*canonical)
                return with_effect(verdict, effect_of(seen.value, value))
        seen, right = observed[0], self.networks(function, observed[0].calls)
        value = getattr(right, function.name)(*canonical)
        names = dict(zip(function.arguments, canonical, strict=True))
        return self.unexplained_verdict(function, difference(seen.value, value, names))

    def judge_steep(self, function: Function, order: Sequence[str]) -> Verdict:
        """A function that is right at ordinary logits, at steep ones: no sigmoid may be rounded off."""
        right = Verdict(function.name, "right")
        if function.name == BERNOULLI:
            sign = np.sign(self.inputs.arguments["logits"] - 0.5)
            steep = {"logits": 40.0 * sign, "x": self.inputs.arguments["x"]}
            seen = self.observe(function.name, [steep[name] for name in order])
            value = Right(self.own_decoder, self.known_encoder).bernoulli_log_density(
                steep["logits"], steep["x"]
            )
            fine = agree(seen.value, value) or agree(seen.value, value.sum(-1))
        elif function.name == "log_likelihood":
            x, z = self.inputs.arguments["x"], self.inputs.arguments["z"]
            self.know(self.inputs.steep_decoder)
            try:
                seen = self.observe(function.name, [x, z])
            finally:
                self.know(self.inputs.decoder)
            if not seen.calls.get("decoder"):
                return right
            value = Right(perceptron(self.inputs.steep_decoder), self.known_encoder).log_likelihood(x, z)
            fine = agree(seen.value, value) or BERNOULLI in self.placed or BERNOULLI in self.unexplained
        else:
            return right
        if fine:
            return right
        return self.named(function, [MISTAKES["unstable_sigmoid"]], "is wrong at logits of ±40, as")

    # --- networks ------------------------------------------------------------------------------------------

    def judge_network(self, function: Function) -> Verdict:
        """A network's shapes, that it treats images one by one, and that a decoder gives logits."""
        argument = self.inputs.arguments[function.arguments[0]]
        count, width = len(argument), PIXELS if function.name == "decoder" else 2 * LATENT
        outputs = self.observe(function.name, [argument], own=True).arrays
        if {output.shape for output in outputs} not in ({(count, width)}, {(count, width // len(outputs))}):
            shapes = " and ".join(str(output.shape) for output in outputs)
            return Verdict(
                function.name,
                "wrong",
                f"gives {shapes} for {count} images, in (batch, features); {width} features are asked for",
            )
        together = np.concatenate(outputs, axis=1)
        if not np.isfinite(together).all():
            return Verdict(function.name, "wrong", "gives values that are not finite")
        fewer = np.concatenate(self.observe(function.name, [argument[:2]], own=True).arrays, axis=1)
        if not np.allclose(fewer, together[:2], rtol=1e-3, atol=1e-4):
            return Verdict(
                function.name,
                "wrong",
                "gives an image another output in another batch, or at another time: "
                "no dropout, no batch normalization",
            )
        if function.name == "decoder":
            far = self.observe(function.name, [np.concatenate([argument, 20 * argument])], own=True).value
            if (far >= 0).all() and (far <= 1).all():
                return self.named(function, [MISTAKES["decoder_with_a_sigmoid"]], "lies in [0, 1], as")
        return Verdict(function.name, "right")

    # --- functions that draw -------------------------------------------------------------------------------

    def judge_sampler(self, function: Function) -> Verdict:
        """Many draws, each in units of what is expected of it."""
        mean, log_std = (self.inputs.arguments[name] for name in function.arguments)
        z = self.observe(function.name, [mean, log_std], own=True).value
        if z.shape != mean.shape:
            return Verdict(
                function.name, "wrong", f"gives {z.shape} for means {mean.shape}, in (batch, features)"
            )
        nodes = self.nodes[:, None, :]

        def matches(world: Right) -> bool:
            drawn = world.sample_diag_gaussian(mean, log_std, nodes)
            expected = np.tensordot(self.node_weights, drawn, 1)
            spread = np.sqrt(np.tensordot(self.node_weights, (drawn - expected) ** 2, 1))
            if spread.max() < 1e-9:
                return bool(np.abs(z - expected).max() < 1e-4)
            residual = (z - expected) / spread
            if world.shared_noise:
                return bool(np.ptp(residual, axis=0).max() < 1e-2)
            error = DEVIATIONS / np.sqrt(MANY)
            by_width = (residual**2 - 1) * (log_std - log_std.mean(0)) / log_std.std(0)
            by_place = residual * (mean - mean.mean(0)) / mean.std(0)
            return bool(
                (np.abs(residual.mean(0)) < error).all()
                and (np.abs((residual**2).mean(0) - 1) < np.sqrt(2) * error).all()
                and (np.abs(by_width.mean(0)) < np.sqrt(2) * error).all()
                and (np.abs(by_place.mean(0)) < error).all()
                and np.ptp(residual, axis=0).min() > 1e-2
            )

        right = Right(perceptron(self.inputs.decoder), self.known_encoder)
        if matches(right):
            return Verdict(function.name, "right")
        found = self.diagnose(function, right, matches, pairs=False)
        if found is not None:
            return with_effect(found, "draws as")
        return Verdict(function.name, "wrong", "does not draw from N(mean, exp(log_std)²)")

    def judge_bound(self, function: Function) -> Verdict:
        """A bound: at known noise if it reads the sampler as a global, else by its mean over many calls."""
        orders = [function.arguments, *function.orders]
        exact = self.inputs.arguments | (
            {"x": self.inputs.drawn["x_one"]} if len(function.arguments) > 1 else {}
        )
        if len(function.arguments) > 1:
            exact |= {name: self.inputs.drawn[name] for name in ("q_mean", "q_log_std")}
            exact["x_top"] = exact["x"][:, :392]
        errors: list[SolutionError] = []
        verdicts: list[Verdict] = []
        for order in orders:
            try:
                verdict = self.judge_bound_in(function, order, exact)
            except SolutionError as error:
                errors.append(error)
                continue
            if verdict.status == "right":
                return verdict
            verdicts.append(verdict)
        if not verdicts:
            raise errors[0]
        return min(verdicts, key=lambda verdict: not (verdict.mistakes or verdict.status == "follows"))

    def judge_bound_in(self, function: Function, order: Sequence[str], exact: Mapping[str, Array]) -> Verdict:
        """The same, in one order of arguments."""
        canonical = [exact[name] for name in function.arguments]
        first = self.observe(function.name, [exact[name] for name in order])
        right = self.networks(function, first.calls)
        batch = len(canonical[0])
        known_noise = self.inputs.noises.get(batch)
        if known_noise is not None and first.calls.get("sampler") and not first.calls.get("unknown"):
            replaced = ("decoder", "encoder", "sample_diag_gaussian")

            def gives(world: Right) -> bool:
                return self.agrees_or_averages(
                    function, first.value, getattr(world, function.name)(*canonical, known_noise)
                )

            value = getattr(right, function.name)(*canonical, known_noise)
            averages = [np.mean(value)] if function.name == "top_half_elbo" else []
            if self.compared(function, first.value, [value, *averages]):
                return Verdict(function.name, "right")

            def distance(world: Right) -> float:
                return deviation(first.value, getattr(world, function.name)(*canonical, known_noise))

            pairs = function.name != "test_loss"
            verdict = self.diagnose(function, right, gives, replaced, pairs, distance) or self.diagnose_draws(
                function, right, first.value, gives
            )
            if verdict is None:
                # The known draw may be read for a part only: at its own noise it may be right.
                verdict = self.judge_by_draws(function, order, exact)
                if verdict.status == "right" or verdict.mistakes:
                    return verdict
                return self.unexplained_verdict(function, difference(first.value, value, {}))
            return with_effect(verdict, effect_of(first.value, value))
        return self.judge_by_draws(function, order, exact)

    def agrees_or_averages(self, function: Function, found: Array, value: Array) -> bool:
        """Whether two bounds agree; those of part 4 may be averaged over images."""
        return agree(found, value) or (function.name == "top_half_elbo" and agree(found, np.mean(value)))

    def diagnose_draws(
        self, function: Function, right: Right, found: Array, gives: Callable[[Right], bool]
    ) -> Verdict | None:
        """A sum over a number of draws that is the solution's own."""
        if function.name != "top_half_elbo":
            return None
        for draws in (*range(2, 101), 200, 500, 1_000):
            world = right.with_function(function.name, right.but(partial(set_draws, draws=draws)))
            if gives(world):
                return self.named(function, [MISTAKES["sum_over_the_draws"]])
        return None

    def judge_by_draws(self, function: Function, order: Sequence[str], exact: Mapping[str, Array]) -> Verdict:
        """Compare mean and variance of many calls with those of the right bound."""
        given = dict(exact) | ({"x": self.inputs.drawn["x"]} if function.arguments == ("x",) else {})
        canonical = [given[name] for name in function.arguments]
        repeats = REPEATS[function.name]
        decoder = self.knowing or self.inputs.decoder
        self.know(decoder, noise=False)
        try:
            seen = self.observe(function.name, [given[name] for name in order], repeats)
        finally:
            self.know(decoder)
        right = self.networks(function, seen.calls)
        values = squeezed(seen.value)
        if not np.isfinite(values).all():
            return Verdict(function.name, "wrong", "gives values that are not finite")
        mean, spread = values.mean(0), values.var(0, ddof=1)

        def deviates(expected: Array, variance: Array) -> bool:
            if function.name == "top_half_elbo" and values.ndim == 1 and np.size(expected) == 1:
                expected, variance = np.squeeze(expected), np.squeeze(variance)
            if mean.shape != np.shape(squeezed(np.asarray(expected))):
                return True
            error = DEVIATIONS * np.sqrt(variance / repeats)
            allowance = QUADRATURE_ERROR + TOLERANCE * np.abs(expected)
            return bool((np.abs(mean - expected) > error + allowance).any())

        read_known_networks = all(seen.calls.get(name) for name in function.needs)
        moments = MOMENTS.get(function.name) if read_known_networks else None
        if moments is None:
            moments = (
                self.expectation(function, right, canonical),
                self.variance(function, right, canonical),
                self.variance_of_likelihood(right, canonical),
            )
            if read_known_networks:
                MOMENTS[function.name] = moments
        expected, variance, of_likelihood = moments
        widest = max(float(np.max(variance)), of_likelihood)
        # Of one draw an image the variance is known; a mean over several varies less and is nearer to normal.
        several = np.max(spread) < np.max(variance) / 4
        missed = deviates(expected, spread if several else np.maximum(variance, np.max(spread)))
        if not missed and np.max(spread) <= SPREAD * widest:
            return Verdict(function.name, "right")

        def misfit(world: Right, one_draw: bool) -> float:
            """How many squared standard errors a computation's moments are away; infinite where too many."""
            expected = self.expectation(function, world, canonical)
            if deviates(expected, spread):
                return np.inf
            predicted = float(np.max(self.variance(function, world, canonical)))
            if predicted < 1e-12:
                return 0.0 if np.max(spread) < 1e-6 else np.inf
            ratio = np.max(spread) / predicted
            if not 1 / DRAWS_AN_IMAGE < ratio < 2.5 or (one_draw and ratio < 0.4):
                return np.inf
            off = (mean - np.reshape(expected, mean.shape)) ** 2 / (spread / repeats + QUADRATURE_ERROR**2)
            return float(np.mean(off)) + one_draw * 0.5 * (repeats - 1) * np.log(ratio) ** 2

        def diagnosed(one_draw: bool) -> Verdict | None:
            distance = partial(misfit, one_draw=one_draw)
            return self.diagnose(
                function,
                right,
                lambda world: bool(np.isfinite(distance(world))),
                ("decoder", "encoder"),
                pairs=False,
                distance=distance,
            )

        verdict = diagnosed(one_draw=True) or diagnosed(one_draw=False)
        if verdict is None and function.name == "top_half_elbo":
            verdict = self.diagnose_draws(
                function,
                right,
                values,
                lambda world: not deviates(self.expectation(function, world, canonical), spread),
            )
        wanted = np.squeeze(expected)
        if verdict is not None:
            return with_effect(verdict, effect_of(mean, wanted, loose=True))
        return self.unexplained_verdict(
            function,
            f"gives {np.mean(mean):.4g} on average over {repeats} calls, not {np.mean(wanted):.4g}"
            if missed
            else f"varies {np.max(spread) / max(widest, 1e-12):.3g} times as much as it should between calls",
        )

    def at_nodes(self, images: Array) -> Array:
        """The quadrature's nodes for a batch: all its images have the same noise."""
        return np.repeat(self.nodes[:, None, :], len(images), axis=1)

    def expectation(self, function: Function, world: Right, arguments: Sequence[Array]) -> Array:
        """Of a call's result."""
        results = getattr(world, function.name)(*arguments, self.at_nodes(arguments[0]))
        return np.asarray(np.tensordot(self.node_weights, results, 1))

    def variance(self, function: Function, world: Right, arguments: Sequence[Array]) -> Array:
        """Of a call's result, where each image has one draw."""
        call, nodes = getattr(world, function.name), self.at_nodes(arguments[0])
        results = call(*arguments, nodes)
        if function.name == "top_half_elbo" or results.ndim > 1 or world.shared_noise:
            return self.variances(results)
        # Each image adds its own, by its weight in the result, which a change of its noise alone tells.
        (x,) = arguments
        still, alone = np.zeros((len(x), LATENT)), np.eye(len(x))[..., None] * np.ones(LATENT)
        changed = [call(x, some) for some in np.array_split(alone, max(1, len(x) // 20))]
        change = np.concatenate(changed) - call(x, still)
        change_of_terms = world.elbo_terms(x, np.ones_like(still)) - world.elbo_terms(x, still)
        weights = np.divide(change, change_of_terms, where=change_of_terms != 0, out=np.zeros(len(x)))
        return np.asarray((weights**2 * self.variances(world.elbo_terms(x, nodes))).sum())

    def variances(self, at_nodes: Array) -> Array:
        """Over the noise, of what is given at the quadrature's nodes."""
        means = np.tensordot(self.node_weights, at_nodes, 1)
        return np.tensordot(self.node_weights, (at_nodes - means) ** 2, 1)

    def variance_of_likelihood(self, right: Right, arguments: Sequence[Array]) -> float:
        """What the bound's variance would be with an analytic KL, which is as right as a drawn one."""
        nodes = self.at_nodes(arguments[0])
        if len(arguments) > 1:
            x, mean, log_std = arguments
            terms = right.top_half_log_likelihood(x, right.sample_diag_gaussian(mean, log_std, nodes))
        else:
            (x,) = arguments
            terms = right.log_likelihood(x, right.sample_diag_gaussian(*right.encoder(x), nodes))
        return float(self.variances(terms).sum() / len(x) ** 2)

    def judge_prior_samples(self, function: Function) -> Verdict:
        """Bernoulli means of draws from the prior: their ink, over many."""
        seen = self.observe(function.name, [self.inputs.arguments["count"]])
        right = self.networks(function, seen.calls)
        pictures = next((array for array in reversed(seen.arrays) if array.shape[-1:] == (PIXELS,)), None)
        if pictures is None or len(pictures) != SAMPLES:
            return Verdict(
                function.name, "wrong", f"gives {seen.value.shape}, not {SAMPLES} pictures of {PIXELS}"
            )
        if seen.calls.get("encoder"):
            return self.named(function, [MISTAKES["prior_samples_from_the_encoder"]], "draws as")
        ink = pictures.mean(-1)

        def matches(world: Right) -> bool:
            values = world.prior_samples(self.nodes).mean(-1)
            expected = self.node_weights @ values
            spread = np.sqrt(self.node_weights @ (values - expected) ** 2)
            return bool(abs(ink.mean() - expected) < DEVIATIONS * spread / np.sqrt(SAMPLES) + 1e-6)

        if matches(right):
            return Verdict(function.name, "right")
        verdict = self.diagnose(function, right, matches, pairs=False)
        return verdict or self.unexplained_verdict(
            function, f"has {ink.mean():.4g} of ink on average, which decoded draws from N(0, I) have not"
        )

    # --- data, training, answers ---------------------------------------------------------------------------

    def judge_batches(self, function: Function) -> Verdict:
        """Which images are in the batches, and how many in each."""
        images = self.inputs.arguments["images"]
        seen = self.observe(function.name, [images])
        sizes = sorted(len(batch) for batch in seen.arrays)
        right = Right(perceptron(self.inputs.decoder), self.known_encoder)

        def matches(world: Right) -> bool:
            return sizes == sorted(len(batch) for batch in world.batches(images))

        if not matches(right):
            verdict = self.diagnose(function, right, matches, pairs=False)
            return verdict or Verdict(
                function.name, "wrong", f"makes batches of {sizes} of {len(images)} images"
            )
        rows = sorted(row.tobytes() for batch in seen.arrays for row in batch)
        if rows != sorted(row.tobytes() for row in images):
            return Verdict(function.name, "wrong", "does not have every image once")
        return Verdict(function.name, "right")

    def judge_training(self, function: Function) -> Verdict:
        """Which batches its loss was given, and whether the loss falls."""
        images, test = self.inputs.arguments["images"], self.inputs.arguments["test_images"][::2]
        measure = "loss" if "loss" in self.defined else ""
        if not measure:
            return Verdict(function.name, "unjudged", "is judged by `loss`, which is not there yet")

        marks = np.random.default_rng(0).standard_normal((3, PIXELS)).astype(self.dtype)
        given_train, given_test = self.give(images), self.give(test)

        def own_loss() -> tuple[float, float]:
            values = self.observe(measure, [images], 10, own=True).value
            return float(values.mean()), float(values.std() / 3)

        def train(epochs: int) -> list[Array]:
            return self.ask(lambda host: host.train(function.name, epochs, given_train, given_test, marks))

        def direction_to(after: float, error: float) -> int:
            step = 6 * float(np.hypot(error_before, error)) + 1e-3 * abs(before)
            return 0 if abs(after - before) < step else int(np.sign(after - before))

        before, error_before = own_loss()
        batches = train(EPOCHS)
        after, error = own_loss()
        if np.isfinite(after) and direction_to(after, error) >= 0:
            # A few of Adam's first steps may miss: what the loss does is seen in the long run.
            train(MORE_EPOCHS)
            later, error_later = own_loss()
            if np.isfinite(later):
                after, error = later, error_later
        self._own.clear()
        if not np.isfinite(after):
            return Verdict(
                function.name,
                "wrong",
                f"moves the loss of its own images from {before:.4g} to {after:g}: are its steps too large?",
            )
        direction = direction_to(after, error)
        own = images @ marks.T.astype(np.float64)
        distances = [np.abs(own[:, None, :] - batch.T[None, :, :]).max(-1) for batch in batches]
        found = [list(each.argmin(0)[each.min(0) < 0.05]) for each in distances]
        found = [batch for batch in found if batch]
        right = Right(perceptron(self.inputs.decoder), self.known_encoder)
        sizes = {len(batch) for batch in found}
        # A random batch anew in each epoch counts as one batch, too.
        images_seen = min(len({image for batch in found for image in batch}), sum(map(len, found)) / EPOCHS)

        def matches(world: Right) -> bool:
            expected = world.epoch(images)
            if world.training_direction != direction:
                return False
            if not found:
                return True
            whole = sizes == {len(images)}
            return whole == (len(expected) == 1 and len(expected[0]) == len(images)) and (
                images_seen <= len(images) / 2
            ) == (sum(map(len, expected)) <= len(images) / 2)

        if matches(right):
            return Verdict(function.name, "right")
        verdict = self.diagnose(function, right, matches)
        effect = f"moves the loss of its own images from {before:.4g} to {after:.4g}, as"
        if verdict is not None:
            return with_effect(verdict, effect if direction >= 0 else "steps as")
        return Verdict(
            function.name, "wrong", f"moves the loss of its own images from {before:.4g} to {after:.4g}"
        )

    def judge_answers(self) -> Iterator[Verdict]:
        """The five questions."""
        assert self.host is not None
        try:
            found = self.ask(lambda host: host.answers())
        except SolutionError as error:
            found, problem = None, str(error)
        else:
            problem = "not there yet"
        for number, question in enumerate(questions.QUESTIONS):
            name = f"answer {number + 1}"
            if found is None or number >= len(found):
                yield Verdict(name, "absent", problem)
                continue
            said = questions.read_answer(str(found[number]))
            if said is None:
                yield Verdict(name, "wrong", f"{found[number]!r} is neither yes nor no. {question.text}")
            elif said == question.answer:
                yield Verdict(name, "right", question.reason)
            else:
                right = "Yes" if question.answer else "No"
                yield Verdict(name, "wrong", f"{question.text} {right}. {question.reason}")


def set_draws(right: Right, draws: int) -> None:
    """Sum over so many draws that are alike on average."""
    right.reduce_draws = lambda terms: terms * draws  # type: ignore[method-assign]


def used_by(function: Function) -> set[str]:
    """The functions that a function is made of, and theirs."""
    found: set[str] = set()
    waiting = [*function.uses, *function.needs]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [*BY_NAME[name].uses, *BY_NAME[name].needs]
    return found


def with_effect(verdict: Verdict, effect: str) -> Verdict:
    """Begin a sentence that names mistakes with what they did."""
    if not verdict.mistakes:
        return verdict
    return replace(verdict, sentence=verdict.sentence.replace("gives what it gives", effect, 1))


def effect_of(found: Array, right: Array, loose: bool = False) -> str:
    """How a result differs from the right one, in a few words."""
    found, right = squeezed(np.asarray(found)), squeezed(np.asarray(right))
    if found.shape != right.shape:
        return f"has shape {found.shape}, not {right.shape}, as"
    if not np.isfinite(found).all():
        return "is not finite, as"
    tolerance = 1e-2 if loose else 1e-3
    if (right != 0).all():
        ratio = found / right
        if np.ptp(ratio) <= tolerance * np.abs(ratio).mean() and abs(ratio.mean() - 1) > 0.02:
            return f"is {ratio.mean():.2f} times what it should be, as"
    shift = found - right
    if np.ptp(shift) <= tolerance * np.abs(shift).mean():
        return f"is {abs(shift.mean()):.4g} too {'high' if shift.mean() > 0 else 'low'}, as"
    worst = np.abs(shift).max()
    return f"is off by up to {worst:.3g}, as"


def difference(found: Array, right: Array, arguments: Mapping[str, Array]) -> str:
    """Say what differs, and on which inputs, the smallest first."""
    found, right = squeezed(found), squeezed(np.asarray(right))
    if found.shape != right.shape:
        return f"gives shape {found.shape} where {right.shape} is asked for, in (batch, features)"
    effect = effect_of(found, right).removesuffix(", as")
    if found.ndim == 0 or not arguments:
        return f"{effect}: {np.ravel(found)[0]:.6g}, not {np.ravel(right)[0]:.6g}"
    rows_found, rows_right = (array.reshape(len(array), -1) for array in (found, right))
    wrong = [row for row in range(len(found)) if not agree(rows_found[row], rows_right[row])]
    name, argument = next(iter(arguments.items()))
    by_size = sorted(
        wrong, key=lambda row: float(np.abs(argument[row]).sum()) if len(argument) == len(found) else row
    )
    shown = []
    for row in by_size[:SHOWN]:
        place = int(np.argmax(np.abs(np.nan_to_num(rows_found[row] - rows_right[row], nan=np.inf))))
        inputs = (
            f"{name} = ({', '.join(f'{value:.3g}' for value in argument[row])})"
            if argument.ndim == 2 and argument.shape[1] <= HIDDEN
            else f"{name}[{row}]"
        )
        shown.append(f"at {inputs}: {rows_found[row, place]:.6g}, not {rows_right[row, place]:.6g}")
    return f"{effect}, on {len(wrong)} of {len(found)} inputs; {'; '.join(shown)}"
