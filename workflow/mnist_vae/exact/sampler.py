"""The importance sampler: log p(x) and posteriors at any latent dimension, as estimates (docs/exactness.md),
in nats.

Beyond two dimensions the latent space is too large for sums, so log p(x) is estimated by draws from a
proposal that covers each image's posterior: a mixture of multivariate Student t, whose tails are heavier than
the posterior's, as importance sampling needs (Geweke 1989). Most of its components stand around the modes
that were found, shaped by the likelihood's Gauss-Newton curvature (Laplace's method). One is fitted to the
mass around the heaviest mode, which in many dimensions lies far from the mode. Two are put where a pilot draw
has the largest weight (incremental mixture importance sampling, Raftery & Bao 2010). In two dimensions, tests
compare the estimates with the sums.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.exact.answers import MODES, Elbo, LogJoints, LogMarginals, Part, Posterior
from mnist_vae.exact.quadrature import Moments, entropy
from mnist_vae.exact.refine import ascend, log_joints
from mnist_vae.exact.tempering import TEMPERING, Tempering, tempered
from mnist_vae.study.blocks import POINTS_A_BLOCK
from mnist_vae.study.densities import log_likelihood, log_prior
from mnist_vae.study.images import PIXELS
from mnist_vae.study.networks import VAE, Decoder
from mnist_vae.study.objective import reparameterize
from mnist_vae.study.products import tanh_


@dataclass(frozen=True)
class Tuning:
    """What the sampler's speed and error depend on. Lengths are in z, in standard deviations of the prior."""

    draws: int = 2000  # draws of z per image for log p(x): on digits, a standard error of about 0.02 nats
    elbo_draws: int = 400  # draws of z per image for the ELBO of a q
    images_a_block: int = 50  # images whose draws are held in memory at once

    # Where ascents start. Log-joints at points that images share need one decoding for all of them.
    bank: int = 2000  # points of the prior at which all images are tried, and limit on the number of codes
    starts: int = 12  # ascents per image, besides the one from its code
    few_dimensions: int = 20  # above this, digits' posteriors were seen to have one mode
    starts_beyond: int = 4  # fewer starts, used above `few_dimensions`
    starts_of_halves: int = 24  # a half's posterior can have several modes, far from the code
    apart: float = 0.3  # distance between starts, so that not all of them climb to one mode

    # Ascents, and the modes that count.
    steps: int = 12  # limit on the steps of an ascent
    promise: float = 1e-3  # nats that the next step must promise for an ascent to continue
    cut: float = 20.0  # nats below an image's best at which a mode stops counting: exp(-20) is 2e-9
    same: float = 0.2  # standard deviations within which two ascents count as ending in the same mode

    # Whether the modes suffice, and the search if they may not.
    least_fit: float = -5.0  # standard deviations (`PartOfDecoder.fit`), reached by 96 % of digits
    populations: int = 2  # searches besides the ascents from the bank; two of the three must agree
    tempering: Tempering = TEMPERING
    doubt: float = 0.1  # nats by which the best two searches may differ before an image is flagged
    fewest: float = 10.0  # effective draws below which the standard error is not trusted

    # The proposal.
    freedom: int = 4  # degrees of freedom of Student's t: few, for heavy tails, but with a finite variance
    wider: tuple[float, float] = (1.2, 6.0)  # scales relative to Laplace's: one close, one for what it misses
    shares: tuple[float, float] = (0.85, 0.15)  # shares of the draws at the two scales
    fitted_wider: float = 1.1  # scale of the fitted component, relative to the fit's
    fitted_share: float = 0.6  # its share of a mode's draws: in many dimensions the mass is far
    fit_steps: int = 6  # steps of the fit; each goes half of the way, so a 64th of it is left
    least_curvature: float = 0.3  # lower limit of a fit's, so that it stays a distribution; the prior's is 1
    floor: float = 0.2  # share of the draws spread evenly over modes, as their masses may be wrong
    pilot: int = 500  # draws per image that show where the proposal is too thin
    added: int = 2  # components added in turn where a pilot draw has the largest weight
    added_share: float = 0.1  # share of all draws for each of them


TUNING = Tuning()
TINY = 1e-6  # replaces a zero divisor


class PartOfDecoder:
    """The log-joints of a part of images, with gradients and curvature in closed form."""

    def __init__(self, decoder: Decoder, part: Part = Part.WHOLE) -> None:
        self.part = part
        self.pixels = part.pixels(PIXELS)
        self.hidden = decoder.hidden
        self.weight, self.bias = decoder.output.weight[self.pixels], decoder.output.bias[self.pixels]

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """Images (images, 784) and z (points, images, d) -> (points, images)."""
        x = x[:, self.pixels]
        found = [
            log_prior(some) + log_likelihood(x, F.linear(tanh_(self.hidden(some)), self.weight, self.bias))
            for some in z.split(max(1, POINTS_A_BLOCK // len(x)))
        ]
        return torch.cat(found)

    def slopes(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """The log-joints, and their gradients with respect to z (points, images, d)."""
        x = x[:, self.pixels]
        values, gradients = [], []
        for some in z.split(max(1, POINTS_A_BLOCK // len(x))):
            hidden = tanh_(self.hidden(some))
            logits = F.linear(hidden, self.weight, self.bias)
            values.append(log_prior(some) + log_likelihood(x, logits))
            back = (x - torch.sigmoid(logits)) @ self.weight * (1 - hidden**2)
            gradients.append(back @ self.hidden.weight - some)
        return torch.cat(values), torch.cat(gradients)

    def precision(self, z: Tensor) -> Tensor:
        """The Gauss-Newton precision of the posterior at z (images, d): (images, d, d).

        I + J' diag(p (1 - p)) J, with the Jacobian J of the logits. It leaves out their second derivatives,
        and so does not depend on the image and is positive definite everywhere.
        """
        found = []
        for some in z.split(POINTS_A_BLOCK):
            hidden = torch.tanh(self.hidden(some))
            p = torch.sigmoid(F.linear(hidden, self.weight, self.bias))
            # A row for each latent dimension: one product for all images takes a third of the time if its
            # rows are contiguous.
            jacobian = F.linear((1 - hidden**2)[:, None] * self.hidden.weight.T.contiguous(), self.weight)
            jacobian *= torch.sqrt(p * (1 - p))[:, None]
            found.append(torch.eye(z.shape[-1]).to(z) + jacobian @ jacobian.mT)
        return torch.cat(found)

    def fit(self, x: Tensor, z: Tensor) -> Tensor:
        """How well images (images, 784) fit the decoder at z (images, d): (images,).

        This is the image's log-likelihood minus the mean log-likelihood of images that the decoder makes
        there, in standard deviations of the latter.
        """
        logits = F.linear(torch.tanh(self.hidden(z)), self.weight, self.bias)
        p = torch.sigmoid(logits)
        excess = ((x[:, self.pixels] - p) * logits).sum(-1)
        return excess / (p * (1 - p) * logits**2).sum(-1).sqrt().clamp(min=TINY)


class Sampler:
    """Estimates by draws in the latent space of a VAE."""

    is_summed = False

    def __init__(self, vae: VAE, *, generator: torch.Generator, tuning: Tuning = TUNING) -> None:
        """All draws come from the generator: the same calls in the same order give the same numbers."""
        self.vae, self.decoder, self.dimension = vae, vae.decoder, vae.latent
        self.generator, self.tuning = generator, tuning

    def log_marginals(self, x: Tensor, part: Part = Part.WHOLE) -> LogMarginals:
        """Estimate log p of images (images, 784), or of a part of them.

        error is the standard error, by the delta method, plus what one search missed and another found. modes
        are where ascents ended.
        """
        joint = PartOfDecoder(self.decoder, part)
        bank = self._bank(x)
        found = []
        for some in x.split(self.tuning.images_a_block):
            proposal, missed = self._proposal(joint, some, bank)
            log_weights = self._weighted(joint, some, proposal, self.tuning.draws)[1]
            size = 1 / (torch.softmax(log_weights, 0) ** 2).sum(0)
            found.append(
                LogMarginals(
                    torch.logsumexp(log_weights, 0) - math.log(self.tuning.draws),
                    standard_error(size, self.tuning.draws) + missed,
                    proposal.mode[:, :MODES],
                    size,
                    (missed > self.tuning.doubt) | (size < self.tuning.fewest),
                )
            )
        return LogMarginals(*(torch.cat(each) for each in zip(*found, strict=True)))

    def posterior(self, x: Tensor, part: Part = Part.WHOLE) -> Posterior:
        """The posterior of one image (784,), or given a part of it, as weighted draws."""
        joint, draws = PartOfDecoder(self.decoder, part), self.tuning.draws
        proposal, _ = self._proposal(joint, x[None], self._bank(x[None]))
        z, log_weights = self._weighted(joint, x[None], proposal, draws)
        z, log_weights = z[:, 0], log_weights[:, 0]
        log_density = torch.logsumexp(log_weights, 0) - math.log(draws)
        log_joint = joint.log_joint(x[None], z[:, None])[:, 0].double()
        return Posterior(z.double(), torch.log_softmax(log_weights, 0), log_joint - log_density, x.dtype)

    def normal_points(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Standard normal draws (draws, d) and their equal weights (draws,), for means under a q."""
        noise = torch.randn(self.tuning.draws, self.dimension, generator=self.generator).to(like)
        return noise, torch.full((len(noise),), 1 / len(noise)).to(like)

    def log_joints(self, x: Tensor) -> LogJoints:
        """Log p(x, z) of images (images, 784)."""
        return log_joints(self.decoder, x)

    def refine(self, x: Tensor, mean: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
        """Raise each image's ELBO from the given q (images, d): `refine.refine`, by a balanced design."""
        joint, design = PartOfDecoder(self.decoder), balanced_design(self.dimension).to(mean)

        def moments(left: Tensor, mean: Tensor, log_std: Tensor) -> Moments:
            u, std = design[:, None], torch.exp(log_std)
            found = []
            for some in torch.arange(len(left)).split(max(1, POINTS_A_BLOCK // len(design))):
                z = mean[some] + std[some] * u
                value, gradient = joint.slopes(x[left[some]], z)
                slope = gradient * std[some]
                found.append((value.mean(0), slope.mean(0), (slope * u).mean(0)))
            expected, slope, curvature = (torch.cat(part) for part in zip(*found, strict=True))
            return Moments((expected + entropy(log_std))[:, None], slope, curvature)

        return ascend(moments, mean, log_std)

    def elbo(self, x: Tensor, mean: Tensor, log_std: Tensor, part: Part = Part.WHOLE) -> Elbo:
        """Estimate each image's ELBO by antithetic draws; error is the standard error."""
        joint = PartOfDecoder(self.decoder, part)
        found = []
        for some in torch.arange(len(x)).split(self.tuning.images_a_block):
            noise = torch.randn(
                self.tuning.elbo_draws // 2, len(some), self.dimension, generator=self.generator
            )
            values = [
                joint.log_joint(x[some], reparameterize(mean[some], log_std[some], sign * noise)).double()
                for sign in (1, -1)
            ]
            pairs = (values[0] + values[1]) / 2
            found.append((pairs.mean(0) + entropy(log_std[some]), pairs.std(0) / len(pairs) ** 0.5))
        return Elbo(*(torch.cat(each) for each in zip(*found, strict=True)))

    def _bank(self, x: Tensor) -> Tensor:
        """Points at which all images are tried: draws of the prior, and the codes of the first images."""
        prior = torch.randn(self.tuning.bank, self.dimension, generator=self.generator).to(x)
        return torch.cat([prior, self.vae.encoder(x[: self.tuning.bank])[0]])

    def _proposal(self, joint: PartOfDecoder, x: Tensor, bank: Tensor) -> tuple["_Mixture", Tensor]:
        """Return the proposal for images (images, 784), and what only one search found (images,), in nats:
        the log-mass of the heaviest mode over the second-best search's heaviest, 0 if no search was needed.
        """
        tuning = self.tuning
        modes = _Modes.found(joint, x, self._starts(joint, x, bank), tuning)
        missed = torch.zeros(len(x), dtype=torch.float64)
        odd = (joint.fit(x, modes.z[:, 0]) < tuning.least_fit).nonzero()[:, 0]
        if len(odd):
            searches = [_Modes(*(each[odd] for each in modes))]
            for _ in range(tuning.populations):
                searches.append(_Modes.found(joint, x[odd], self._search(joint, x[odd]), tuning))
            known = _Modes.joined(searches, tuning)
            heaviest = torch.stack([each.mass[:, 0] for each in searches])
            missed[odd] = (known.mass[:, 0] - heaviest.sort(0).values[-2]).double()
            for each, better in zip(modes, known, strict=True):
                each[odd] = better[:, : each.shape[1]]
        proposal = modes.proposal(joint, x, tuning)
        for _ in range(tuning.added):
            pilot, log_weights = self._weighted(joint, x, proposal, tuning.pilot)
            at = pilot[log_weights.argmax(0), torch.arange(len(x))]
            factor = torch.linalg.cholesky(joint.precision(at)) / tuning.wider[0]
            proposal = proposal.with_component(at, factor, tuning.added_share)
        return proposal, missed

    def _starts(self, joint: PartOfDecoder, x: Tensor, bank: Tensor) -> Tensor:
        """The codes, and the best points of the bank that lie apart: (images, starts, d)."""
        logits = F.linear(torch.tanh(joint.hidden(bank)), joint.weight, joint.bias)
        table = x[:, joint.pixels] @ logits.T + log_prior(bank) - F.softplus(logits).sum(-1)
        encoded = self.vae.encoder(x)[0]
        few = self.dimension <= self.tuning.few_dimensions
        whole = self.tuning.starts if few else self.tuning.starts_beyond
        number = whole if joint.part is Part.WHOLE else self.tuning.starts_of_halves
        return _highest_apart(encoded, bank.expand(len(x), -1, -1), table, number, self.tuning.apart)

    def _search(self, joint: PartOfDecoder, x: Tensor) -> Tensor:
        """Starts (images, k, d) of a search without codes or known modes: the best of a population."""
        z, values = tempered(
            lambda images, z: joint.log_joint(x[images], z),
            len(x),
            self.dimension,
            self.generator,
            self.tuning.tempering,
        )
        best = z[values.argmax(0), torch.arange(len(x))]
        points = z.transpose(0, 1)
        return _highest_apart(best, points, values.T, self.tuning.starts, self.tuning.apart)

    def _weighted(
        self, joint: PartOfDecoder, x: Tensor, proposal: "_Mixture", draws: int
    ) -> tuple[Tensor, Tensor]:
        """Return draws z (draws, images, d) and their log importance weights (draws, images)."""
        z = proposal.draw(draws, self.generator)
        return z, joint.log_joint(x, z).double() - proposal.log_density(z).double()


class _Modes(NamedTuple):
    """Each image's modes, heaviest first: z (images, k, d), the Cholesky factors of the precisions there
    (images, k, d, d), the log-joints (images, k), and the log-masses (images, k) by Laplace's method, which
    are -inf for a mode that repeats one before it or lies too low.
    """

    z: Tensor
    factor: Tensor
    height: Tensor
    mass: Tensor

    @classmethod
    def found(cls, joint: PartOfDecoder, x: Tensor, starts: Tensor, tuning: Tuning) -> "_Modes":
        """The modes at which ascents from starts (images, k, d) end."""
        z, height = _ascend_to_modes(joint, x, starts, tuning)
        factor = torch.linalg.cholesky(joint.precision(z.flatten(0, 1))).unflatten(0, z.shape[:2])
        log_volume = z.shape[-1] / 2 * math.log(2 * math.pi) - factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return cls.joined([cls(z, factor, height, height + log_volume)], tuning)

    @classmethod
    def joined(cls, several: "list[_Modes]", tuning: Tuning) -> "_Modes":
        """The modes of several searches, each once."""
        mass = torch.cat([each.mass for each in several], 1)
        order = mass.argsort(-1, descending=True)
        rows = torch.arange(len(mass))[:, None]
        z, factor, height, mass = (torch.cat(parts, 1)[rows, order] for parts in zip(*several, strict=True))
        counts = _first_of_each(z, factor, tuning.same) & (
            height > height.amax(-1, keepdim=True) - tuning.cut
        )
        return cls(z, factor, height, mass.masked_fill(~counts, -torch.inf))

    def proposal(self, joint: PartOfDecoder, x: Tensor, tuning: Tuning) -> "_Mixture":
        """Components around the modes at two scales, and one fitted to the mass around the heaviest mode."""
        live = self.mass.isfinite()
        share = torch.softmax(self.mass, -1)
        share = (1 - tuning.floor) * share + tuning.floor * live / live.sum(-1, keepdim=True)
        fitted, its_factor = _fit(joint, x, self.z[:, 0], self.factor[:, 0], tuning)
        used = slice(int(live.nonzero()[:, 1].max()) + 1)
        z, factor, share = self.z[:, used], self.factor[:, used], share[:, used]
        near, wide = (share * part for part in tuning.shares)
        its_share = tuning.fitted_share * near[:, :1]
        near[:, :1] -= its_share
        return _Mixture(
            torch.cat([z, z, fitted[:, None]], 1),
            torch.cat(
                [*(factor / scale for scale in tuning.wider), its_factor[:, None] / tuning.fitted_wider], 1
            ),
            torch.cat([near, wide, its_share], 1),
            tuning.freedom,
        )


class _Mixture(NamedTuple):
    """A mixture of Student's t for each image: modes (images, k, d), Cholesky factors of the precisions
    (images, k, d, d), and shares (images, k).
    """

    mode: Tensor
    factor: Tensor
    share: Tensor
    freedom: int

    def with_component(self, mode: Tensor, factor: Tensor, share: float) -> "_Mixture":
        """The mixture with one more component: mode (images, d), factor (images, d, d), and its share."""
        return _Mixture(
            torch.cat([self.mode, mode[:, None]], 1),
            torch.cat([self.factor, factor[:, None]], 1),
            torch.cat([(1 - share) * self.share, torch.full_like(self.share[:, :1], share)], 1),
            self.freedom,
        )

    def draw(self, draws: int, generator: torch.Generator) -> Tensor:
        """Draws (draws, images, d), stratified over the components."""
        images, _, dimension = self.mode.shape
        at = ((torch.arange(draws) + 0.5) / draws).to(self.share).expand(images, -1).contiguous()
        part = torch.searchsorted(self.share.cumsum(-1), at).clamp(max=self.share.shape[-1] - 1)
        noise = torch.randn(images, draws, dimension, generator=generator).to(self.mode)
        chi2 = (torch.randn(images, draws, self.freedom, generator=generator) ** 2).sum(-1)
        noise = noise * torch.sqrt(self.freedom / chi2)[..., None].to(noise)
        z = torch.empty_like(noise)
        for k in range(self.share.shape[-1]):
            chosen = part == k
            solved = torch.linalg.solve_triangular(self.factor[:, k].mT, noise.mT, upper=True).mT
            z[chosen] = (self.mode[:, k, None] + solved)[chosen]
        return z.transpose(0, 1)

    def log_density(self, z: Tensor) -> Tensor:
        """The log-density at z (draws, images, d): (draws, images)."""
        d = z.shape[-1]
        constant = (
            math.lgamma((self.freedom + d) / 2)
            - math.lgamma(self.freedom / 2)
            - d / 2 * math.log(self.freedom * math.pi)
        )
        found = []
        for k in range(self.share.shape[-1]):
            whitened = (z.transpose(0, 1) - self.mode[:, k, None]) @ self.factor[:, k]
            size = (whitened**2).sum(-1)
            log_t = constant - (self.freedom + d) / 2 * torch.log1p(size / self.freedom)
            log_scale = self.factor[:, k].diagonal(dim1=-2, dim2=-1).log().sum(-1)
            found.append(log_t + (log_scale + torch.log(self.share[:, k]))[:, None])
        return torch.logsumexp(torch.stack(found), 0).T


class Comparison(NamedTuple):
    """The estimate of each image's log p(x) (images,) less the sum, in nats and in standard errors of the
    estimate, and the estimate's effective sample size.
    """

    difference: Tensor
    in_errors: Tensor
    effective_draws: Tensor


def compare(estimated: LogMarginals, summed: LogMarginals) -> Comparison:
    """Compare estimates with sums, in one or two dimensions."""
    difference = estimated.log_density - summed.log_density
    return Comparison(difference, difference / estimated.error, estimated.effective_sample_size)


def _ascend_to_modes(
    joint: PartOfDecoder, x: Tensor, starts: Tensor, tuning: Tuning
) -> tuple[Tensor, Tensor]:
    """Climb from starts (images, k, d) by damped Gauss-Newton steps.

    Returns the ends of the ascents, and the log-joints there (images, k). An ascent ends early if it cannot
    come within `cut` of its image's best, or if it meets an earlier ascent; its log-joint is then -inf.
    """
    images, number, dimension = starts.shape
    image = torch.arange(images).repeat_interleave(number)
    z = starts.flatten(0, 1).clone()
    height, slope = (part[0] for part in joint.slopes(x[image], z[None]))
    damping = torch.ones(len(z), 1)
    factor = z.new_empty(len(z), dimension, dimension)
    going = torch.ones(len(z), dtype=torch.bool)
    for _ in range(tuning.steps):
        rows = going.nonzero()[:, 0]
        if not len(rows):
            break
        factor[rows] = torch.linalg.cholesky(joint.precision(z[rows]))
        step = torch.cholesky_solve(slope[rows, :, None], factor[rows])[..., 0] * damping[rows]
        promised = (step * slope[rows]).sum(-1)
        tried = z[rows] + step
        value, there = (part[0] for part in joint.slopes(x[image[rows]], tried[None]))
        better = value > height[rows]
        won = rows[better]
        z[won], height[won], slope[won] = tried[better], value[better], there[better]
        damping[rows] = torch.where(better[:, None], (2 * damping[rows]).clamp(max=1), damping[rows] / 4)
        best = height.view(images, number).amax(-1)[image[rows]]
        hopeless = height[rows] + 2 * promised < best - tuning.cut
        done = better & (promised < tuning.promise)
        going[rows] = ~(done | hopeless)
        first = _first_of_each(
            z.view(starts.shape), factor.view(*starts.shape, dimension), tuning.same
        ).flatten()
        height = height.where(first, -torch.inf)
        going &= first
    return z.view(starts.shape), height.view(images, number)


def _highest_apart(first: Tensor, points: Tensor, heights: Tensor, number: int, apart: float) -> Tensor:
    """The first (images, d) and the `number` highest points (images, points, d) that lie apart from it and
    from each other: (images, 1 + number, d).
    """
    found = [first]
    for _ in range(number):
        near = torch.linalg.vector_norm(points - found[-1][:, None], dim=-1) < apart
        heights = heights.masked_fill(near, -torch.inf)
        found.append(points[torch.arange(len(points)), heights.argmax(-1)])
    return torch.stack(found, 1)


def standard_error(effective_draws: Tensor, draws: int) -> Tensor:
    """The standard error of an estimate of log p(x), by the delta method."""
    return (1 / effective_draws - 1 / draws).clamp(min=0).sqrt()


def _first_of_each(mode: Tensor, factor: Tensor, same: float) -> Tensor:
    """A mask (images, k) of the modes (images, k, d) that do not repeat one before them."""
    first = torch.ones(mode.shape[:2], dtype=torch.bool)
    for k in range(1, mode.shape[1]):
        apart = (mode[:, k, None] - mode[:, :k])[..., None, :] @ factor[:, :k]
        first[:, k] = (apart.norm(dim=(-2, -1)) > same).all(-1)
    return first


def _fit(
    joint: PartOfDecoder, x: Tensor, mean: Tensor, factor: Tensor, tuning: Tuning
) -> tuple[Tensor, Tensor]:
    """Raise each image's ELBO from a Gaussian with this mean (images, d) and Cholesky factor of the precision
    (images, d, d). Returns the new mean and factor.

    Each natural-gradient step (Opper & Archambeau 2009) goes half of the way to the expected curvature.
    Expectations are means over a balanced design, and the curvature is the regression of slopes on z.
    """
    design = balanced_design(mean.shape[-1]).to(mean)
    precision = factor @ factor.mT
    longest = 0.5 * mean.shape[-1] ** 0.5
    for _ in range(tuning.fit_steps):
        off = torch.linalg.solve_triangular(factor.mT, design.T.expand(len(mean), -1, -1), upper=True)
        slopes = joint.slopes(x, mean + off.permute(2, 0, 1))[1]
        against = torch.einsum("nid,ne->ide", slopes, design) / len(design)
        curvature = -against @ factor.mT
        values, vectors = torch.linalg.eigh((curvature + curvature.mT) / 2)
        curvature = (vectors * values.clamp(min=tuning.least_curvature)[:, None]) @ vectors.mT
        precision = (precision + curvature) / 2
        step = torch.linalg.solve(precision, slopes.mean(0)[..., None])
        length = (factor.mT @ step).norm(dim=(-2, -1))
        mean = mean + step[..., 0] * (longest / length).clamp(max=1)[:, None]
        factor = torch.linalg.cholesky(precision)
    return mean, factor


def balanced_design(dimension: int) -> Tensor:
    """Points (points, d) of -1 and 1 whose equal-weight mean is the standard normal's, up to degree 3.

    The points are the rows of a Hadamard matrix by Sylvester's construction, without its constant column, and
    their mirror images: at most 4 d points. Columns are orthogonal, so that the coordinates' slopes and
    curvatures do not mix.
    """
    size = torch.ones(1, 1)
    while len(size) <= dimension:
        size = torch.kron(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), size)
    half = size[:, 1 : dimension + 1]
    return torch.cat([half, -half])
