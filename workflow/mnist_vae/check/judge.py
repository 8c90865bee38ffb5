"""The judge: compare each function of a solution, from the lowest up, with the right one, then with mistakes.

Every function is judged alone. Known networks and known noise replace the solution's own, and the judge
answers for each function that is not right, wherever another uses it (session.py).

Functions that draw their own noise are called often, and their mean is compared with the right one, which is
computed by quadrature. `DEVIATIONS` standard errors are allowed: a right function exceeds them with a
probability of 3e-12 (two-sided, of a normal mean of hundreds of calls), so a whole check stays below 1e-6
with room for the error of the normal approximation.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from mnist_vae.check import draws, process, questions
from mnist_vae.check.compare import TOLERANCE, agree, deviation, difference, effect_of
from mnist_vae.check.contract import (
    BERNOULLI,
    BY_NAME,
    COMPLETION,
    FUNCTIONS,
    GAUSSIAN,
    LATENT,
    PIXELS,
    Function,
    used_by,
)
from mnist_vae.check.inputs import MANY, MILDLY_STEEP, SAMPLES, STEEP
from mnist_vae.check.mistakes import MISTAKES, Mistake
from mnist_vae.check.process import Host, SolutionError, UnwrittenError
from mnist_vae.check.reference import Array, Right
from mnist_vae.check.session import DENSITIES, ELEMENTWISE, GAUSSIANS, Observed, Options, Reading, Session
from mnist_vae.check.training import LossError, observe_training

REPEATS = {"elbo": 200, "loss": 200, "test_loss": 30, "top_half_elbo": 100}  # calls of a function that draws
DEVIATIONS = 7.0
QUADRATURE_ERROR = 0.05  # nats; largest error of an expectation
SPREAD = 4.0  # largest variance of a right bound, relative to that of the one-draw estimators
DRAWS_AN_IMAGE = 2_000  # most draws per image of a solution, which reduce its variance
MOMENTS: dict[tuple[str, bool], tuple[Array, Array, float]] = {}  # moments of right bounds of known networks
READ = {name for function in FUNCTIONS for name in function.uses}  # functions that others use
NETWORKS = ("decoder", "encoder")
NOT_YET = "not there yet"


class UnjudgedError(SolutionError):
    """A function cannot be judged, for the reason in the sentence."""


@dataclass(frozen=True)
class Verdict:
    """The verdict on one function.

    status: "right"; "wrong", explained by mistakes or not; "follows", wrong only because of a function below
    it that could not be replaced; "failed", it raised, returned nothing or did not end; "absent", it is
    missing or not written yet; "unjudged". `deviation` is the result of `compare.deviation` if values were
    compared one by one.
    """

    function: str
    status: str
    sentence: str = ""
    mistakes: tuple[str, ...] = ()
    deviation: float | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether the solution must be corrected here."""
        return self.status in ("wrong", "failed")


@dataclass(frozen=True)
class Report:
    """The report on a solution.

    `trouble` says why nothing was judged, `missing` is a package that the solution needs and that is not
    installed, and `notes` say what was left out.
    """

    name: str
    language: str = ""
    framework: str = ""
    layout: str = ""
    dtype: str = ""
    sandboxed: bool = False
    verdicts: tuple[Verdict, ...] = ()
    trouble: str = ""
    missing: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_wrong(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.trouble) or any(verdict.is_wrong for verdict in self.verdicts)


def check(solution: Path, options: Options | None = None, host: Host | None = None) -> Report:
    """Judge a file. If it cannot be judged at all, the report says why."""
    session = Session(solution, options or Options(), host)
    report = Report(solution.name, session.language, sandboxed=process.bubblewrap() is not None)
    try:
        session.load()
        verdicts = tuple(Judge(session).climb())
    except SolutionError as error:
        sentence = str(error)
        return replace(
            report, trouble=explain_trouble(sentence, session.language), missing=missing_package(sentence)
        )
    finally:
        session.close()
    return replace(
        report, framework=session.framework, layout=session.layout, dtype=session.dtype, verdicts=verdicts
    )


def explain_trouble(sentence: str, language: str) -> str:
    """Say what to do about a file that cannot be loaded."""
    if package := missing_package(sentence):
        return f"The file needs the package {package}, which is not installed here, and is not judged."
    guard = 'if __name__ == "__main__":' if language == "python" else "if abspath(PROGRAM_FILE) == @__FILE__"
    advice = ""
    if "did not end" in sentence or "crashed" in sentence or "processes" in sentence:
        advice = f" Does it train, plot or wait at import? Put that under `{guard}`."
    return (
        f"The file {sentence}.{advice}" if sentence[:1].islower() else f"The file fails: {sentence}.{advice}"
    )


def missing_package(sentence: str) -> str:
    """The missing package that made a solution fail, from Python's or Julia's message; empty if none did."""
    found = re.search(r"No module named '(?!mnist_vae)([\w.]+)'|Package (\w+) (?:\S+ )?not found", sentence)
    return (found[1] or found[2]) if found else ""


def wrong(function: Function, sentence: str, mistakes: tuple[str, ...] = ()) -> Verdict:
    """The verdict on a wrong function."""
    return Verdict(function.name, "wrong", sentence, mistakes)


def unjudged(function: Function, sentence: str) -> Verdict:
    """The verdict on a function that cannot be judged."""
    return Verdict(function.name, "unjudged", sentence)


class Judge:
    """The judge of one solution, and what it has found so far."""

    def __init__(self, session: Session) -> None:
        """The session must have loaded the solution."""
        self.session = session
        self.arguments = session.inputs.arguments
        self.placed: dict[str, tuple[str, ...]] = {}  # mistakes by the function they were found in
        self.unexplained: set[str] = set()
        self.deviations: dict[str, float] = {}  # by function, for the order of arguments that fits best
        self.by_known_loss = False
        self.one_image = False  # whether functions of part 4 take one image, not a batch
        self.probabilities: bool | None = False  # whether the decoder returns them by design; None: not known

    # --- climbing ------------------------------------------------------------------------------------------

    def climb(self) -> Iterator[Verdict]:
        """Judge every function; yield verdicts in the assignment's order.

        Functions that known ones will replace are judged first.
        """
        self.session.find_conventions()
        verdicts = {}
        # Batches come before training, which uses them.
        for name in ("decoder", "encoder", "batches", "train_model_params", "sample_diag_gaussian"):
            verdicts[name] = self.judged(BY_NAME[name])
        try:
            self.session.know(self.session.inputs.decoder)
        except SolutionError as error:
            raise SolutionError(f"cannot be given known networks ({error})") from error
        for function in FUNCTIONS:
            if function.name not in verdicts:
                verdicts[function.name] = self.judged(function)
        answers = list(self.judge_answers())
        verdicts["train_model_params"] = self.training_alone(verdicts)
        yield from (verdicts[function.name] for function in FUNCTIONS)
        yield from answers

    def judged(self, function: Function) -> Verdict:
        """The verdict on one function; if it is not right, the judge answers for it from now on."""
        verdict = self.best_reading(function)
        if verdict.status == "wrong" and verdict.mistakes:
            self.placed[function.name] = verdict.mistakes
        elif verdict.is_wrong:
            self.unexplained.add(function.name)
        self.session.read_as(Reading(bool(self.probabilities)))
        if verdict.status != "right" and function.name in READ:
            self.session.answer_for(function.name)
        return replace(verdict, deviation=self.deviations.get(function.name))

    def best_reading(self, function: Function) -> Verdict:
        """The verdict of the first reading that makes a function right, or else explains it."""
        if function.name not in self.session.defined:
            word = self.session.options.names.get(function.name)
            return Verdict(
                function.name, "absent", f"the file has no {word}, which --name gives" if word else NOT_YET
            )
        reads_logits = "decoder" in function.needs or function.name == BERNOULLI
        conventions = [False, True] if self.probabilities is None and reads_logits else [self.probabilities]
        found: list[Verdict] = []
        for probabilities in map(bool, conventions):
            one_image = self.one_image and function.part == COMPLETION and "x" in function.arguments
            found.append(self.read_as(function, Reading(probabilities, one_image)))
            for reading in self.further_readings(
                function, probabilities, found[-1].status in ("failed", "unjudged")
            ):
                if found[-1].status in ("right", "absent") or found[-1].mistakes:
                    break
                found.append(self.read_as(function, reading))
            if found[-1].status in ("right", "absent"):
                self.one_image |= self.session.reading.one_image
                if self.probabilities is None and (
                    self.session.read["decoder"] or (probabilities and function.name == BERNOULLI)
                ):
                    self.probabilities = probabilities
                break
        ranks = ("right", "named", "absent", "wrong", "follows", "unjudged", "failed")
        return min(found, key=lambda verdict: ranks.index("named" if verdict.mistakes else verdict.status))

    def further_readings(self, function: Function, probabilities: bool, failed: bool) -> Iterator[Reading]:
        """Ways to read a function other than the plain one."""
        session = self.session
        images = {"x", "x_top", "images", "test_images"}
        takes_images = bool(images & set(function.arguments)) or function.name == "train_model_params"
        unsure = {name for name in DENSITIES if session.read[name]} - session.keeps_axis.keys()
        ways = (
            takes_images and function.part == COMPLETION,
            takes_images and failed,
            unsure,
            unsure & set(ELEMENTWISE),
            unsure & set(GAUSSIANS),
        )
        for words in itertools.product(*((False, True) if way else (False,) for way in ways)):
            if any(words):
                yield Reading(probabilities, *words)

    def read_as(self, function: Function, reading: Reading) -> Verdict:
        """The verdict on one function by one reading; errors become verdicts."""
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
            self.session.read_as(reading)
            return ways.get(function.name, self.judge_exact)(function)
        except UnwrittenError:
            return Verdict(function.name, "absent", NOT_YET)
        except UnjudgedError as error:
            return unjudged(function, str(error))
        except SolutionError as error:
            if package := missing_package(str(error)):
                return unjudged(function, f"needs the package {package}, which is not installed here")
            return Verdict(function.name, "failed", str(error))

    # --- diagnosis -----------------------------------------------------------------------------------------

    def compared(self, function: Function, found: Array, values: Iterable[Array]) -> bool:
        """Whether a result agrees with one of the right values; the smallest deviation is kept."""
        nearest = min(deviation(found, value) for value in values)
        if np.isfinite(nearest):
            self.deviations[function.name] = min(nearest, self.deviations.get(function.name, np.inf))
        return nearest <= TOLERANCE

    def right_for(self, function: Function, calls: Counter[str]) -> Right:
        """The right computation for the networks that a call read."""
        right = self.session.right_for(calls, function.needs)
        for name in NETWORKS:
            if name not in self.session.defined and getattr(right, name) == getattr(
                self.session, f"own_{name}"
            ):
                raise UnjudgedError(f"needs `{name}`, which is not there under this name (see --name)")
        return right

    def diagnose(
        self,
        function: Function,
        right: Right,
        matches: Callable[[Right], bool],
        effect: str = "gives what it gives",
        calls: Counter[str] | None = None,
        pairs: bool = True,
        distance: Callable[[Right], float] | None = None,
    ) -> Verdict | None:
        """Find the mistakes with which the right computation gives what was observed; None if none do.

        `matches` says whether a computation gives what was observed; if several may, `distance` says how
        closely, and the nearest is taken. Known functions that it read (`calls`) are right, and not a reason.
        """

        def gives(world: Right) -> bool:
            try:
                with np.errstate(all="ignore"):
                    return matches(world)
            except (ValueError, IndexError, FloatingPointError):  # shapes that do not fit
                return False

        known = {*NETWORKS, *(calls or ())}
        if calls and (calls["sampler"] or calls["unknown"]):
            known.add("sample_diag_gaussian")
        open_to_doubt = used_by(function) - known
        # A function that reads known functions would have read the judge's answers, too.
        reasons = [] if calls else [name for name in self.placed if name in open_to_doubt]
        below = list(self.worlds(right, reasons))
        if any(gives(world) for world in below):
            verb = "is" if len(reasons) == 1 else "are"
            return Verdict(function.name, "follows", f"wrong only because {' and '.join(reasons)} {verb}")
        here = [mistake for mistake in MISTAKES.values() if function.name in mistake.places]
        lower = [
            mistake
            for mistake in MISTAKES.values()
            if mistake not in here and set(mistake.places) & open_to_doubt
        ]

        def put(world: Right, *mistakes: Mistake) -> Right:
            changed = world
            for mistake in mistakes:
                changed = changed.but(mistake.change)
            return world.with_function(function.name, changed)

        if function.name == "test_loss" and {"loss", "elbo"} & self.session.defined:
            lower = []  # loss and elbo have been judged
        tries: list[Iterable[tuple[Mistake, ...]]] = [[(each,) for each in here], [(each,) for each in lower]]
        if pairs and not below:
            tries += [itertools.combinations(here, 2), itertools.product(here, lower)]
        for some in tries:
            found = (
                (mistakes, world)
                for mistakes in some
                for base in (right, *below)
                if gives(world := put(base, *mistakes))
            )
            if distance is None:
                nearest = next(found, None)
            else:
                nearest = min(found, key=lambda pair: distance(pair[1]), default=None)
            if nearest is not None:
                return self.named(function, nearest[0], effect)
        return None

    def worlds(self, right: Right, names: Sequence[str]) -> Iterator[Right]:
        """The right computation with the mistakes of all these functions, and of each alone."""
        for some in dict.fromkeys([tuple(names), *((name,) for name in names)] if names else []):
            world = right
            for name in some:
                changed = world
                for word in self.placed[name]:
                    changed = changed.but(MISTAKES[word].change)
                world = world.with_function(name, changed)
            yield world

    def named(self, function: Function, mistakes: Sequence[Mistake], effect: str) -> Verdict:
        """The verdict that names mistakes, after their effect ("is 2.00 times what it should be, as")."""
        says = ", and ".join(mistake.says for mistake in mistakes)
        instead = "; ".join(dict.fromkeys(mistake.instead for mistake in mistakes))
        sentence = f"{effect} when {says}{'; instead, ' if ':' in says else ': '}{instead}"
        return wrong(function, sentence, tuple(mistake.name for mistake in mistakes))

    def unexplained_verdict(self, function: Function, calls: Counter[str], sentence: str) -> Verdict:
        """The verdict on a difference that no mistake explains."""
        reasons = [] if calls else sorted(self.unexplained & used_by(function) - set(NETWORKS))
        if not reasons:
            return wrong(function, sentence)
        verb = "is" if len(reasons) == 1 else "are"
        return unjudged(function, f"cannot be judged before {' and '.join(reasons)} {verb} right")

    # --- functions without noise ---------------------------------------------------------------------------

    def judge_exact(self, function: Function) -> Verdict:
        """Compare a function's values, in each order of its arguments, and name mistakes."""
        canonical = [self.arguments[name] for name in function.arguments]
        tried: list[tuple[tuple[str, ...], Observed, Right]] = []
        errors: list[SolutionError] = []
        orders = (function.arguments, *function.orders)
        for order in orders:
            try:
                seen = self.session.observe(function.name, [self.arguments[name] for name in order])
            except SolutionError as error:
                errors.append(error)
                continue
            self.note_form(function, seen.value)
            right = self.right_for(function, seen.calls)
            if any(
                self.compared(function, found, values_of(function, right, canonical))
                for found in forms_of(function, seen.value)
            ):
                return self.judge_steep(function, order)
            tried.append((order, seen, right))
        if not tried:
            raise errors[0]
        for order, seen, right in tried:

            def matches(world: Right, found: Array = seen.value) -> bool:
                return any(agree(found, value) for value in values_of(function, world, canonical))

            value = getattr(right, function.name)(*canonical)
            effect = effect_of(seen.value, value)
            verdict = self.diagnose(function, right, matches, effect, seen.calls)
            if verdict is not None:
                self.session.orders[function.name] = order
                return verdict
        order, seen, right = tried[0]
        value = getattr(right, function.name)(*canonical)
        names = dict(zip(function.arguments, canonical, strict=True))
        return self.unexplained_verdict(function, seen.calls, difference(seen.value, value, names))

    def note_form(self, function: Function, value: Array) -> None:
        """Remember the form of a function's results, in which the judge may have to answer for it."""
        if function.arguments[0] in ("z", "x", "q_mean", "logits") and value.ndim:
            count, session = len(self.arguments["x"]), self.session
            features = {GAUSSIAN: LATENT, BERNOULLI: PIXELS}.get(function.name)
            if value.shape == (count, features):
                session.elementwise[function.name] = True
                session.keeps_axis[function.name] = False
            elif value.shape in ((count,), (count, 1)):
                session.elementwise[function.name] = False
                session.keeps_axis[function.name] = value.ndim == 2

    def judge_steep(self, function: Function, order: Sequence[str]) -> Verdict:
        """Judge at steep logits a likelihood that is right at others: nothing may round or overflow."""
        if function.name not in (BERNOULLI, "log_likelihood") or self.session.reading.probabilities:
            return Verdict(function.name, "right")
        if self.is_right_at(STEEP, function, order):
            return Verdict(function.name, "right")
        overflows = self.is_right_at(MILDLY_STEEP, function, order)
        mistake = MISTAKES["overflowing_exponential" if overflows else "unstable_sigmoid"]
        logits = STEEP if overflows else MILDLY_STEEP
        return self.named(function, [mistake], f"is wrong at logits of ±{logits:g}, as")

    def is_right_at(self, logits: float, function: Function, order: Sequence[str]) -> bool:
        """Whether a likelihood is right at logits of this size."""
        session = self.session
        given = dict(self.arguments)
        if function.name == BERNOULLI:
            given["logits"] = logits * np.sign(given["logits"] - 0.5)
            seen = session.observe(function.name, [given[name] for name in order])
            right = session.right()
        else:
            session.know(session.inputs.steep_decoder(logits))
            try:
                seen = session.observe(function.name, [given[name] for name in order])
                right = session.right()
            finally:
                session.know(session.inputs.decoder)
            if not seen.calls["decoder"]:
                return True
        canonical = [given[name] for name in function.arguments]
        return any(agree(seen.value, value) for value in values_of(function, right, canonical))

    # --- networks ------------------------------------------------------------------------------------------

    def judge_network(self, function: Function) -> Verdict:
        """Judge a network: its shapes, the independence of images, and that a decoder gives logits."""
        argument = self.arguments[function.arguments[0]]
        count, width = len(argument), PIXELS if function.name == "decoder" else 2 * LATENT
        outputs = self.session.observe(function.name, [argument], way="own").arrays
        if {output.shape for output in outputs} not in ({(count, width)}, {(count, width // len(outputs))}):
            shapes = " and ".join(str(output.shape) for output in outputs)
            return wrong(
                function,
                f"gives {shapes} for {count} images, in (batch, features); {width} features are asked for",
            )
        together = np.concatenate(outputs, axis=1)
        if not np.isfinite(together).all():
            return wrong(function, "gives values that are not finite")
        fewer = np.concatenate(self.session.observe(function.name, [argument[:2]], way="own").arrays, axis=1)
        if not np.allclose(fewer, together[:2], rtol=1e-3, atol=1e-4):
            return wrong(
                function,
                "gives an image another output in another batch, or at another time: "
                "no dropout, no batch normalization",
            )
        if function.name == "decoder":
            far = self.session.observe(
                function.name, [np.concatenate([argument, 20 * argument])], way="own"
            ).value
            if (far >= 0).all() and (far <= 1).all():
                self.probabilities = None
                return self.named(function, [MISTAKES["decoder_with_a_sigmoid"]], "lies in [0, 1], as")
        return Verdict(function.name, "right")

    # --- functions that draw -------------------------------------------------------------------------------

    def judge_sampler(self, function: Function) -> Verdict:
        """Judge a sampler by many draws, each standardized by its expected mean and spread."""
        mean, log_std = (self.arguments[name] for name in function.arguments)
        z, again = (self.session.observe(function.name, [mean, log_std], way="own").value for _ in range(2))
        if z.shape != mean.shape:
            return wrong(function, f"gives {z.shape} for means {mean.shape}, in (batch, features)")
        repeated = np.array_equal(z, again)
        nodes = draws.NODES[:, None, :]

        def matches(world: Right) -> bool:
            drawn = world.sample_diag_gaussian(mean, log_std, nodes)
            expected = np.tensordot(draws.WEIGHTS, drawn, 1)
            spread = np.sqrt(np.tensordot(draws.WEIGHTS, (drawn - expected) ** 2, 1))
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

        right = self.session.right()
        if matches(right):
            return self.same_noise(function) if repeated else Verdict(function.name, "right")
        found = self.diagnose(function, right, matches, "draws as", pairs=False)
        if found is not None:
            return found
        if repeated:
            return self.same_noise(function)
        return wrong(function, "does not draw from N(mean, exp(log_std)²)")

    def same_noise(self, function: Function) -> Verdict:
        """The verdict on a function that gave the same value in two draws."""
        return self.named(
            function, [MISTAKES["same_noise_in_every_call"]], "gives one input one value, every time, as"
        )

    def judge_bound(self, function: Function) -> Verdict:
        """Judge a bound: at known noise if it uses the known sampler, else by the mean of many calls."""
        orders = [function.arguments, *function.orders]
        exact = self.arguments | (
            {"x": self.session.inputs.drawn["x_one"]} if len(function.arguments) > 1 else {}
        )
        if len(function.arguments) > 1:
            exact |= {name: self.session.inputs.drawn[name] for name in ("q_mean", "q_log_std")}
            exact["x_top"] = exact["x"][:, :392]
        errors: list[SolutionError] = []
        verdicts: list[Verdict] = []
        for order in orders:
            try:
                verdict = self.judge_bound_in(function, order, exact)
            except UnjudgedError:
                raise
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
        """Judge a bound in one order of its arguments."""
        canonical = [exact[name] for name in function.arguments]
        given = [exact[name] for name in order]
        first = self.session.observe(function.name, given)
        noise = self.session.inputs.noises.get(len(canonical[0]))
        if noise is None or not first.calls["sampler"] or first.calls["unknown"]:
            return self.judge_by_draws(function, order, exact)
        right = self.right_for(function, first.calls)

        def gives(world: Right) -> bool:
            return self.agrees_or_averages(
                function, first.value, getattr(world, function.name)(*canonical, noise)
            )

        def distance(world: Right) -> float:
            return deviation(first.value, getattr(world, function.name)(*canonical, noise))

        value = getattr(right, function.name)(*canonical, noise)
        averages = [np.mean(value)] if function.name == "top_half_elbo" else []
        if self.compared(function, first.value, [value, *averages]):
            if function.name == "test_loss":  # it may draw the same noise each time, for comparisons
                return Verdict(function.name, "right")
            one, other = (self.session.observe(function.name, given, way="free").value for _ in range(2))
            return (
                self.same_noise(function) if np.array_equal(one, other) else Verdict(function.name, "right")
            )
        effect, pairs = effect_of(first.value, value), function.name != "test_loss"
        verdict = self.diagnose(function, right, gives, effect, first.calls, pairs, distance)
        verdict = verdict or self.diagnose_draws(function, right, gives, effect)
        if verdict is None:
            # It may use the known draw only in part, and be right at its own noise.
            verdict = self.judge_by_draws(function, order, exact)
            if verdict.status != "right" and not verdict.mistakes:
                return self.unexplained_verdict(function, first.calls, difference(first.value, value, {}))
        return verdict

    def agrees_or_averages(self, function: Function, found: Array, value: Array) -> bool:
        """Whether two bounds agree; those of part 4 may be averaged over images."""
        return agree(found, value) or (function.name == "top_half_elbo" and agree(found, np.mean(value)))

    def diagnose_draws(
        self, function: Function, right: Right, gives: Callable[[Right], bool], effect: str
    ) -> Verdict | None:
        """Find a sum over draws, whose number the solution chooses."""
        if function.name != "top_half_elbo":
            return None
        for count in (*range(2, 101), 200, 500, 1_000):
            world = right.with_function(function.name, right.but(partial(sum_draws, count=count)))
            if gives(world):
                return self.named(function, [MISTAKES["sum_over_the_draws"]], effect)
        return None

    def judge_by_draws(self, function: Function, order: Sequence[str], exact: Mapping[str, Array]) -> Verdict:
        """Compare mean and variance of many calls with those of the right bound."""
        given = dict(exact) | ({"x": self.session.inputs.drawn["x"]} if function.arguments == ("x",) else {})
        canonical = [given[name] for name in function.arguments]
        repeats = REPEATS[function.name]
        seen = self.session.observe(function.name, [given[name] for name in order], repeats, "free")
        right = self.right_for(function, seen.calls)
        values = np.squeeze(seen.value)
        if not np.isfinite(values).all():
            return wrong(function, "gives values that are not finite")
        mean, spread = values.mean(0), values.var(0, ddof=1)

        def deviates(expected: Array, variance: Array) -> bool:
            if function.name == "top_half_elbo" and values.ndim == 1 and np.size(expected) == 1:
                expected, variance = np.squeeze(expected), np.squeeze(variance)
            if mean.shape != np.shape(np.squeeze(np.asarray(expected))):
                return True
            error = DEVIATIONS * np.sqrt(variance / repeats)
            allowance = QUADRATURE_ERROR + TOLERANCE * np.abs(expected)
            return bool((np.abs(mean - expected) > error + allowance).any())

        key = function.name, self.session.reading.probabilities
        moments = MOMENTS.get(key)
        reads_own = right.decoder == self.session.own_decoder or right.encoder == self.session.own_encoder
        if moments is None or reads_own:
            moments = (
                draws.expectation(function, right, canonical),
                draws.variance(function, right, canonical),
                draws.variance_of_likelihood(right, canonical),
            )
            if not reads_own:
                MOMENTS[key] = moments
        expected, variance, of_likelihood = moments
        widest = max(float(np.max(variance)), of_likelihood)
        # With one draw per image the variance is known; a mean over several varies less, and more normally.
        several = np.max(spread) < np.max(variance) / 4
        missed = deviates(expected, spread if several else np.maximum(variance, np.max(spread)))
        repeated = np.array_equal(values, np.broadcast_to(values[0], values.shape))
        if not missed and not repeated and np.max(spread) <= SPREAD * widest:
            return Verdict(function.name, "right")

        def misfit(world: Right, one_draw: bool) -> float:
            """The squared distance of a computation's moments, in standard errors; infinite if too large."""
            expected = draws.expectation(function, world, canonical)
            if deviates(expected, spread):
                return np.inf
            predicted = float(np.max(draws.variance(function, world, canonical)))
            if predicted < 1e-12:
                return 0.0 if np.max(spread) < 1e-6 else np.inf
            ratio = np.max(spread) / predicted
            if not 1 / DRAWS_AN_IMAGE < ratio < 2.5 or (one_draw and ratio < 0.4):
                return np.inf
            off = (mean - np.reshape(expected, mean.shape)) ** 2 / (spread / repeats + QUADRATURE_ERROR**2)
            return float(np.mean(off)) + one_draw * 0.5 * (repeats - 1) * np.log(ratio) ** 2

        effect = effect_of(mean, np.squeeze(expected), loose=True)

        def diagnosed(one_draw: bool) -> Verdict | None:
            distance = partial(misfit, one_draw=one_draw)
            return self.diagnose(
                function,
                right,
                lambda world: bool(np.isfinite(distance(world))),
                effect,
                seen.calls,
                pairs=False,
                distance=distance,
            )

        verdict = (
            (None if repeated else diagnosed(one_draw=True))
            or diagnosed(one_draw=False)
            or self.diagnose_draws(
                function,
                right,
                lambda world: not deviates(draws.expectation(function, world, canonical), spread),
                effect,
            )
        )
        if verdict is not None:
            return verdict
        if repeated:
            return self.same_noise(function)
        return self.unexplained_verdict(
            function,
            seen.calls,
            f"gives {np.mean(mean):.4g} on average over {repeats} calls, not {np.mean(expected):.4g}"
            if missed
            else f"varies {np.max(spread) / max(widest, 1e-12):.3g} times as much as it should between calls",
        )

    def judge_prior_samples(self, function: Function) -> Verdict:
        """Judge prior samples by their mean ink over many draws."""
        seen = self.session.observe(function.name, [self.arguments["count"]])
        right = self.right_for(function, seen.calls)
        pictures = next((array for array in reversed(seen.arrays) if array.shape[-1:] == (PIXELS,)), None)
        if pictures is None or len(pictures) != SAMPLES:
            return wrong(function, f"gives {seen.value.shape}, not {SAMPLES} pictures of {PIXELS}")
        if seen.calls.get("encoder"):
            return self.named(function, [MISTAKES["prior_samples_from_the_encoder"]], "draws as")
        ink = pictures.mean(-1)

        def matches(world: Right) -> bool:
            values = world.prior_samples(draws.NODES).mean(-1)
            expected = draws.WEIGHTS @ values
            spread = np.sqrt(draws.WEIGHTS @ (values - expected) ** 2)
            return bool(abs(ink.mean() - expected) < DEVIATIONS * spread / np.sqrt(SAMPLES) + 1e-6)

        if matches(right):
            return Verdict(function.name, "right")
        verdict = self.diagnose(function, right, matches, pairs=False)
        return verdict or self.unexplained_verdict(
            function,
            seen.calls,
            f"has {ink.mean():.4g} of ink on average, which decoded draws from N(0, I) have not",
        )

    # --- data, training, answers ---------------------------------------------------------------------------

    def judge_batches(self, function: Function) -> Verdict:
        """Judge batches by their images and their sizes."""
        images = self.arguments["images"]
        seen = self.session.observe(function.name, [images])
        sizes = sorted(len(batch) for batch in seen.arrays)
        rows = sorted(row.tobytes() for batch in seen.arrays for row in batch)
        right = self.session.right()
        expected = right.batches(images)
        has_all = rows == sorted(row.tobytes() for row in images)
        if has_all and len(sizes) == len(expected) and sizes[-1] <= len(expected[0]):
            return Verdict(function.name, "right")

        def matches(world: Right) -> bool:
            return sizes == sorted(len(batch) for batch in world.batches(images))

        if matches(right):
            return wrong(function, "does not have every image once")
        verdict = self.diagnose(function, right, matches, pairs=False)
        return verdict or wrong(function, f"makes batches of {sizes} of {len(images)} images")

    def judge_training(self, function: Function) -> Verdict:
        """Judge training by the batches of its steps, the networks that change, and the fall of the loss."""
        images, right = self.arguments["images"], self.session.right()
        measure = "loss" if "loss" in self.session.defined and not self.by_known_loss else "known_loss"
        try:
            seen = observe_training(self.session, function.name, measure)
        except LossError as error:
            raise UnjudgedError("cannot be judged before loss is right") from error
        effect = f"moves the loss of its own images from {seen.before:.4g} to {seen.after:.4g}"
        if not np.isfinite(seen.after):
            return wrong(function, f"{effect}: are its steps too large?")

        def matches(world: Right) -> bool:
            return seen.is_that_of(world, images)

        if matches(right):
            return Verdict(function.name, "right")
        effect_too = "steps as" if seen.direction < 0 else f"{effect}, as"
        return self.diagnose(function, right, matches, effect_too) or wrong(function, effect)

    def training_alone(self, verdicts: Mapping[str, Verdict]) -> Verdict:
        """Judge training by a known loss, if neither it nor the solution's loss is right."""
        first, function = verdicts["train_model_params"], BY_NAME["train_model_params"]
        loss = BY_NAME["loss"]
        below = used_by(loss) & self.session.defined
        if first.status in ("right", "absent") or all(
            verdicts[name].status == "right" for name in {"loss"} | below
        ):
            return first
        self.by_known_loss = True
        self.session.reload()
        verdict = self.judged(function)
        if verdict.status == "right" or verdict.mistakes:
            return verdict
        return unjudged(function, "cannot be judged before loss is right")

    def judge_answers(self) -> Iterator[Verdict]:
        """Judge the answers to the five questions."""
        try:
            found = self.session.ask(lambda host: host.answers())
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


def sum_draws(right: Right, count: int) -> None:
    """Sum over `count` draws in place of their mean."""
    right.reduce_draws = lambda terms: terms * count  # type: ignore[method-assign]


def values_of(function: Function, world: Right, arguments: Sequence[Array]) -> list[Array]:
    """A function's right values: two if terms may be summed or not."""
    value = getattr(world, function.name)(*arguments)
    if function.name == GAUSSIAN:
        return [value, world.normal(arguments[2], arguments[0], arguments[1])]
    return [value, value.sum(-1)] if function.name == BERNOULLI else [value]


def forms_of(function: Function, found: Array) -> list[Array]:
    """A result as (batch, features): top halves may be pictures, row by row or column by column."""
    if function.name != "top_half" or found.ndim != 3:
        return [found]
    return [pictures.reshape(len(pictures), -1) for pictures in (found, found.swapaxes(1, 2))]
