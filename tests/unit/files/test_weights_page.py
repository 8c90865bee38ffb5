"""The code in docs/weights.md decodes a point of any stored model as the library does."""

import json

import pytest
import safetensors
import torch

from mnist_vae.files.weights import save_weights
from mnist_vae.study.networks import VAE
from support.pages import fenced_blocks
from support.project import ROOT

PAGE = ROOT / "docs/weights.md"
STORED = "results/mnist/models/reference/n10000/seed1/weights.safetensors"


@pytest.mark.parametrize("code", [text for language, text in fenced_blocks(PAGE) if language == "python"])
def test_printed_code_decodes_a_stored_model(code, tmp_path, monkeypatch):
    vae = VAE(torch.Generator().manual_seed(1))
    (tmp_path / STORED).parent.mkdir(parents=True)
    save_weights(tmp_path / STORED, vae, {"recipe": "reference"})
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    exec(code, found)
    with torch.inference_mode():
        means = torch.sigmoid(vae.decoder(torch.tensor([[0.5, -1.0]]))).reshape(28, 28)
    assert torch.allclose(torch.as_tensor(found["picture"]), means, atol=1e-6)


def test_header_says_how_the_model_came_about(tmp_path):
    save_weights(tmp_path / "weights.safetensors", VAE(), {"recipe": "reference"})
    metadata = safetensors.safe_open(tmp_path / "weights.safetensors", "np").metadata()
    assert json.loads(metadata["provenance"])["recipe"] == "reference"
