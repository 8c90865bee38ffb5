# ruff: noqa: E501
"""Every function is judged alone, and only what is right earns points."""

import re

import pytest

from mnist_vae.check.contract import COMPLETION, FUNCTIONS, PICTURES
from mnist_vae.check.judge import check
from mnist_vae.check.process import Host
from mnist_vae.check.report import points_of
from mnist_vae.check.session import Options

from .conftest import RIGHT, SECONDS

TEXT = RIGHT[".py"].read_text(encoding="utf-8")
GAUSSIAN = "factorized_gaussian_log_density"


def stubs(body: str) -> str:
    """The right solution with its networks, but this body in place of every function's."""
    text = TEXT.replace("answers = [True, False, False, False, True]\n", "")
    return re.sub(r"(?m)^(def \w+\(.*\):\n)(?:(?:    .*)?\n)+", rf"\1    {body}\n\n\n", text)


LIKELIHOOD = "    return bernoulli_log_density(decoder(z), x).sum(-1)"
UNPACK = "    q_mean, q_log_std = unpack_gaussian_params(encoder(x))\n    z"
TOP_LIKELIHOOD = "    return bernoulli_log_density(top_half(decoder(z)), top_half(x)).sum(-1)"
SIGMOID = {"nn.Linear(HIDDEN, PIXELS))": "nn.Linear(HIDDEN, PIXELS), nn.Sigmoid())"}
SOFTPLUS = "return -F.softplus(-(2 * x - 1) * logits)"
STEPS = "        for batch in batches(train_x):"
SIGNATURE = "(loss, encoder, decoder, train_x, test_x, nepochs=100)"

# What stands in the right solution, what instead, and what is said of which functions: a status or a mistake.
# Every other function is right.
CONSTANT = "    return factorized_gaussian_log_density(0.0, 0.0, z)"
ELBO = "    return (joint_log_density(x, z) - log_q(q_mean, q_log_std, z)).mean()"
TOP_ELBO = "    return total / draws"
EDITS = {
    # Something wrong below, and something wrong above it.
    "a constant elbo": (
        {CONSTANT: "    return -0.5 * (z**2).sum(-1)", ELBO: "    return torch.tensor(42.0)"},
        {"log_prior": "constant_forgotten", "elbo": "wrong"},
    ),
    "two mistakes in elbo": (
        {
            CONSTANT: "    return -0.5 * (z**2).sum(-1)",
            "    z = sample_diag_gaussian(q_mean, q_log_std)\n" + ELBO: (
                "    z = q_mean + q_log_std * torch.randn_like(q_mean)\n" + ELBO.replace(") - ", ") + ")
            ),
        },
        {"log_prior": "constant_forgotten", "elbo": "wrong"},
    ),
    "a constant bound of the top half": (
        {
            "    return factorized_gaussian_log_density(q_mean, q_log_std, z)": "    return log_prior(z)",
            TOP_ELBO: "    return torch.tensor([-200.0])",
        },
        {"log_q": "prior_for_q", "top_half_elbo": "wrong"},
    ),
    "a joint density without its prior above a likelihood that raises": (
        {
            LIKELIHOOD: "    raise ValueError",
            "return log_prior(z) + log_likelihood(x, z)": "return log_likelihood(x, z)",
        },
        {"log_likelihood": "failed", "joint_log_density": "prior_left_out"},
    ),
    # What nobody knows below, and nothing wrong above.
    "another quotient": (
        {"((x - mean) / log_std.exp())": "((x - mean) / (2 * log_std).exp())"},
        {GAUSSIAN: "wrong"},
    ),
    "pixels weighted": (
        {SOFTPLUS: "return -1.01 * F.softplus(-(2 * x - 1) * logits)"},
        {"bernoulli_log_density": "wrong"},
    ),
    "the second to the fifteenth row": (
        {"    return x[..., :TOP]": "    return x[..., 28 : TOP + 28]"},
        {"top_half": "wrong"},
    ),
    "a density in a column, wrong": (
        {"(q_mean, q_log_std, z)\n\n\ndef elbo": "(q_mean, q_log_std, z)[..., None] + 1\n\n\ndef elbo"},
        {"log_q": "wrong", "elbo": "right"},
    ),
    # Nothing is returned.
    "no return": (
        {ELBO: ELBO.replace("return ", "value = "), CONSTANT: CONSTANT.replace("return ", "")},
        {"elbo": "failed", "log_prior": "failed"},
    ),
    "an ellipsis is returned": ({ELBO: "    return ..."}, {"elbo": "absent"}),
    # One noise in every call.
    "a seed in the sampler": (
        {"    noise = torch": "    torch.manual_seed(0)\n    noise = torch"},
        {"sample_diag_gaussian": "same_noise_in_every_call"},
    ),
    "a seed in elbo": (
        {UNPACK: "    torch.manual_seed(3)\n" + UNPACK},
        {"elbo": "same_noise_in_every_call"},
    ),
    "a generator of its own in elbo": (
        {
            "    z = sample_diag_gaussian(q_mean, q_log_std)\n    return (j": (
                "    noise = torch.randn(q_mean.shape, generator=torch.Generator().manual_seed(1))\n"
                "    z = q_mean + q_log_std.exp() * noise\n    return (j"
            )
        },
        {"elbo": "same_noise_in_every_call"},
    ),
    "noise of before": (
        {
            "    noise = torch.randn_like(mean)": "    noise = NOISE[: len(mean)]",
            "def sample_diag": "NOISE = torch.randn(5000, LATENT)\n\n\ndef sample_diag",
        },
        {"sample_diag_gaussian": "same_noise_in_every_call"},
    ),
    # A sigmoid of somebody else.
    "a picture of the prior with two sigmoids": (
        {
            "torch.sigmoid(decoder(torch.randn": "torch.sigmoid(torch.sigmoid(decoder(torch.randn",
            "randn(count, LATENT)))": "randn(count, LATENT))))",
        },
        {"prior_samples": "sigmoid_twice"},
    ),
    "an interpolation with two sigmoids": (
        {
            "return torch.sigmoid(decoder(interpolation(z_first, z_second, weight)))": (
                "return torch.sigmoid(torch.sigmoid(decoder(interpolation(z_first, z_second, weight))))"
            )
        },
        {"interpolated_picture": "sigmoid_twice"},
    ),
    "a decoder of probabilities, and all that reads it": (
        {
            **SIGMOID,
            SOFTPLUS: "return x * torch.log(logits) + (1 - x) * torch.log(1 - logits)",
            "torch.sigmoid(decoder(torch.randn(count, LATENT)))": "decoder(torch.randn(count, LATENT))",
            "torch.sigmoid(decoder(interpolation(z_first, z_second, weight)))": (
                "decoder(interpolation(z_first, z_second, weight))"
            ),
        },
        {"decoder": "decoder_with_a_sigmoid"},
    ),
    "a decoder of probabilities, and a likelihood of PyTorch's that takes them": (
        {
            **SIGMOID,
            "bernoulli_log_density(decoder(z), x).sum": "torch.distributions.Bernoulli(decoder(z)).log_prob(x).sum",
            TOP_LIKELIHOOD: (
                "    return -F.binary_cross_entropy(top_half(decoder(z)), top_half(x), reduction='none').sum(-1)"
            ),
            "torch.sigmoid(decoder(torch.randn(count, LATENT)))": "decoder(torch.randn(count, LATENT))",
        },
        {
            "decoder": "decoder_with_a_sigmoid",
            "interpolated_picture": "sigmoid_twice",
            "bernoulli_log_density": "right",
        },
    ),
    "a decoder of probabilities alone": (
        SIGMOID,
        {"decoder": "decoder_with_a_sigmoid"},
    ),
    # What no package can do.
    "a package that is not there": ({ELBO: "    import no_such_package\n" + ELBO}, {"elbo": "unjudged"}),
    # Batches that hold every image once.
    "batches by array_split": (
        {
            "    return images[torch.randperm(len(images))].split(size)": (
                "    import numpy as np\n    return np.array_split(images, -(-len(images) // size))"
            )
        },
        {},
    ),
    "batches by chunk": ({".split(size)\n": ".chunk(-(-len(images) // size))\n"}, {}),
    "batches that share an image": (
        {".split(size)\n": ".split(size)[:-1] + (images[-50:],)\n"},
        {"batches": "wrong"},
    ),
    # Mean and log_std.
    "log_std first": (
        {UNPACK: UNPACK.replace("q_mean, q_log_std", "q_log_std, q_mean")},
        {"elbo": "mean_and_log_std_exchanged"},
    ),
    "log_std first in a picture": (
        {
            "    z_first, _ = unpack": "    _, z_first = unpack",
            "    z_second, _ = unpack": "    _, z_second = unpack",
        },
        {"interpolated_picture": "mean_and_log_std_exchanged"},
    ),
    "log_std first in the top half": (
        {"def top_half_elbo(x, q_mean, q_log_std,": "def top_half_elbo(x, q_log_std, q_mean,"},
        {"top_half_elbo": "mean_and_log_std_exchanged"},
    ),
    # Exponentials that overflow.
    "log(1 + exp)": (
        {SOFTPLUS: "return -torch.log1p(torch.exp(-(2 * x - 1) * logits))"},
        {"bernoulli_log_density": "overflowing_exponential"},
    ),
    "log(1 + exp) in the likelihood": (
        {"bernoulli_log_density(decoder(z), x).sum": "(x * decoder(z) - (1 + decoder(z).exp()).log()).sum"},
        {"log_likelihood": "overflowing_exponential"},
    ),
    "a likelihood that ends in dots": (
        {
            "bernoulli_log_density(decoder(z), x).sum(-1)": "1e-3 * bernoulli_log_density(decoder(z), x).sum(-1)"
        },
        {"log_likelihood": "wrong"},
    ),
    # Forms that are right.
    "the top half of one image": ({"x[..., :TOP]": "x[:TOP]"}, {}),
    "the top half of one image, wrong": (
        {"x[..., :TOP]": "x[TOP:]"},
        {"top_half": "bottom_half_for_the_top"},
    ),
    "the top half as pictures": (
        {
            "    return x[..., :TOP]": "    return x.reshape(-1, 28, 28)[:, :14]",
            TOP_LIKELIHOOD: TOP_LIKELIHOOD.replace("sum(-1)", "sum((-1, -2))"),
        },
        {},
    ),
    "latents before images": (
        {
            "def top_half_joint(x, z)": "def top_half_joint(z, x)",
            "top_half_joint(x, z) - log_q": "top_half_joint(z, x) - log_q",
            "def joint_log_density(x, z)": "def joint_log_density(z, x)",
            "(joint_log_density(x, z)": "(joint_log_density(z, x)",
        },
        {},
    ),
    "images of Bool": (
        {
            LIKELIHOOD: "    return torch.where(x, F.logsigmoid(decoder(z)), F.logsigmoid(-decoder(z))).sum(-1)",
            UNPACK: UNPACK.replace("(x)", "(x.float())"),
        },
        {},
    ),
}
# Trainings, judged by a loss that may be wrong itself.
TRAININGS = {
    "by batches": (
        {
            SIGNATURE: "(encoder, decoder, batches, nepochs=100)",
            STEPS: "        for batch in batches:",
            '            print(f"epoch {epoch + 1}: test loss {loss(test_x[:BATCH]).item():.2f}")': "            pass",
        },
        {"train_model_params": "right"},
    ),
    "with a loss to write": (
        {"    return -elbo(x)": "    pass"},
        {"train_model_params": "right", "loss": "absent"},
    ),
    "above a constant elbo": (
        {ELBO: "    return torch.tensor(42.0)"},
        {"train_model_params": "right", "elbo": "wrong"},
    ),
    "one network above a constant elbo": (
        {
            ELBO: "    return torch.tensor(42.0)",
            "[*encoder.parameters(), *decoder.parameters()]": "encoder.parameters()",
        },
        {"train_model_params": "decoder_not_trained", "elbo": "wrong"},
    ),
    "by an elbo that is to be written": (
        {ELBO: "    pass", "            value = loss(batch)": "            value = -elbo(batch)"},
        {"train_model_params": "unjudged", "elbo": "failed"},
    ),
    "without the last batch of an order": (
        {STEPS: "        for batch in train_x[:200].split(BATCH):"},
        {"train_model_params": "last_batch_left_out"},
    ),
    "of images drawn again": (
        {STEPS: "        for batch in [train_x[torch.randint(len(train_x), (BATCH,))] for _ in range(3)]:"},
        {"train_model_params": "right"},
    ),
    "of the encoder's own": (
        {
            "            value = loss(batch)": "            for p in decoder.parameters():\n                p.requires_grad_(False)\n            value = loss(batch)"
        },
        {"train_model_params": "decoder_not_trained"},
    ),
}
STUBS = {
    "stubs of pass": "pass",
    "stubs that raise": "raise NotImplementedError('to do')",
    "stubs of words": '"""Say what."""\n    ...',
}


def edited(edits: dict[str, str], text: str = TEXT) -> str:
    for there, instead in edits.items():
        assert text.count(there) == 1, f"{text.count(there)} times {there!r}"
        text = text.replace(there, instead)
    return text


def path(folder, name):
    return folder / f"{re.sub('[^a-z0-9]+', '_', name)}.py"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    texts = {name: edited(edits) for name, (edits, _) in (EDITS | TRAININGS).items()}
    texts |= {name: stubs(body) for name, body in STUBS.items()}
    for name, text in texts.items():
        path(folder, name).write_text(text, encoding="utf-8")
    with Host(path(folder, "a constant elbo"), None, SECONDS) as host:
        host.source = folder
        yield host


def judged(host, name, left_out=("train_model_params",)):
    not_asked = dict.fromkeys(left_out, "not_asked_for")
    report = check(path(host.source, name), Options(seconds=SECONDS, names=not_asked), host)
    assert report.trouble == ""
    return {v.function: v for v in report.verdicts if v.function not in left_out}


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.xdist_group("check alone")
def test_what_is_wrong_is_named_and_nothing_else(host, name):
    _, expected = EDITS[name]
    for function, verdict in judged(host, name).items():
        said = expected.get(function, "right")
        assert said in (verdict.status, *verdict.mistakes), (function, verdict)
        assert (points_of(verdict)[0] > 0) <= (said == "right")


@pytest.mark.parametrize("name", TRAININGS)
@pytest.mark.xdist_group("check alone")
def test_a_training_is_judged_alone(host, name):
    _, expected = TRAININGS[name]
    left_out = [f.name for f in FUNCTIONS if f.part in (PICTURES, COMPLETION) or f.name == "test_loss"]
    verdicts = judged(host, name, left_out)
    for function, said in expected.items():
        assert said in (verdicts[function].status, *verdicts[function].mistakes), verdicts[function]


@pytest.mark.parametrize("name", STUBS)
@pytest.mark.xdist_group("check alone")
def test_stubs_are_not_there_yet(host, name):
    verdicts = judged(host, name)
    assert {function for function, verdict in verdicts.items() if verdict.status != "absent"} == {
        "decoder",
        "encoder",
    }
    assert sum(points_of(verdict)[0] for verdict in verdicts.values()) == 6


JULIA_EDITS = {
    "the top half of one image": ({"top_half(x) = x[1:TOP, :]": "top_half(x) = x[1:TOP]"}, {}),
    "images of Bool": (
        {
            "\nlog_likelihood(x, z) = sum(b": "\nlog_likelihood(x::BitMatrix, z) = sum(b",
            "function elbo(x)": "function elbo(x::AbstractMatrix{Bool})",
        },
        {},
    ),
    "by batches": (
        {
            "train_model_params!(loss, encoder, decoder, train_x, test_x; nepochs=100)": (
                "train!(encoder, decoder, batches; nepochs=100)"
            ),
            "for batch in batch_x(train_x)": "for batch in batches",
            'loss ", total / size(train_x, 2), ", of the test ", loss(test_x[:, 1:min(M, end)])': 'loss ", total',
        },
        {},
    ),
    "another quotient": (
        {"((x .- mean) ./ exp.(log_std))": "((x .- mean) ./ exp.(2 .* log_std))"},
        {GAUSSIAN: "wrong"},
    ),
    "functions to write": (
        {
            "log_prior(z) = factorized_gaussian_log_density(0, zeros(Dz), z)": "function log_prior(z) end",
            "top_half_joint(x, z) = log_prior(z) .+ top_half_log_likelihood(x, z)": (
                'top_half_joint(x, z) = error("not implemented")'
            ),
        },
        {"log_prior": "absent", "top_half_joint": "absent"},
    ),
}


@pytest.mark.julia
@pytest.mark.parametrize("name", JULIA_EDITS)
@pytest.mark.xdist_group("check julia")
def test_alone_in_julia(tmp_path, name):
    edits, expected = JULIA_EDITS[name]
    (tmp_path / "mine.jl").write_text(
        edited(edits, RIGHT[".jl"].read_text(encoding="utf-8")), encoding="utf-8"
    )
    report = check(tmp_path / "mine.jl", Options(seconds=SECONDS))
    assert report.trouble == ""
    for verdict in report.verdicts:
        said = expected.get(verdict.function, "right")
        assert said in (verdict.status, *verdict.mistakes), verdict


def test_a_package_that_is_not_installed_is_no_mistake(tmp_path):
    (tmp_path / "mine.py").write_text("import no_such_package\n")
    report = check(tmp_path / "mine.py")
    assert report.missing == "no_such_package"
    assert "is not judged" in report.trouble
