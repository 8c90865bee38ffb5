"""The explorer in a real browser: it draws what PyTorch computes, and its controls work."""

import itertools
import json
import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from mnist_vae.data.binarization import binarize
from mnist_vae.data.obtain import obtain_mnist5k
from mnist_vae.pages.explorer import Pictures, Shown, explorer_page, page_data
from mnist_vae.study.densities import log_likelihood, log_prior, log_q
from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Recipe
from mnist_vae.study.training import train
from support.colours import channels, contrast, luminance

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

N = 600
MINUS = "\N{MINUS SIGN}"
DESKTOP = {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"}
A4 = 794 - 2 * 45  # CSS pixels between the margins
PHONE = {
    "viewport": {"width": 360, "height": 740},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}


class Study:
    """A small model with snapshots from its training, an early model, their page, and the correct answers."""

    def __init__(self, path):
        digits = obtain_mnist5k()
        self.images = torch.from_numpy(binarize(digits["train_images"][:N])).float()
        self.labels = digits["train_labels"][:N]
        self.tests = torch.from_numpy(binarize(digits["test_images"][:100])).float()
        generator = torch.Generator().manual_seed(1)
        self.vae = VAE(generator)
        self.snapshots = {}
        for epoch, _ in enumerate(train(self.vae, self.images, Recipe(20, 50, 2e-3), generator), start=1):
            if epoch in (5, 10, 20):
                self.snapshots[str(epoch)] = {
                    name: tensor.numpy().copy() for name, tensor in self.vae.state_dict().items()
                }
        self.early = VAE()
        self.early.load_state_dict(
            {name: torch.from_numpy(array) for name, array in self.snapshots["5"].items()}
        )
        self.mean, self.log_std = self.codes(self.vae)
        self.epochs = pd.DataFrame(
            {"split": "test", "epoch": [5, 10, 20], "images": 100}
            | {"elbo": [-220.0, -200.0, -190.0], "log_px": [-215.0, -194.0, -182.5]}
        )
        about = {"dataset": "mnist5k", "n": N, "seed": 1}
        self.data = page_data(
            [
                self.shown(self.vae, about | {"recipe": "reference"}),
                self.shown(self.early, about | {"recipe": "early"}),
            ],
            Pictures(self.images.numpy(), self.labels),
            Pictures(self.tests.numpy(), digits["test_labels"][:100]),
        )
        self.reach = self.data["models"][0]["reach"]
        self.path = path
        path.write_text(explorer_page(self.data), encoding="utf-8")
        axis = torch.linspace(-8, 8, 161)
        self.z = torch.cartesian_prod(axis, axis)
        self.log_cell = 2 * torch.log(axis[1] - axis[0])
        with torch.inference_mode():
            self.logits = self.vae.decoder(self.z)

    @torch.inference_mode()
    def codes(self, vae):
        return vae.encoder(self.images)

    def shown(self, vae, provenance):
        mean, log_std = self.codes(vae)
        latents = {"mean": mean.numpy(), "log_std": log_std.numpy(), "labels": self.labels}
        weights = {name: tensor.numpy() for name, tensor in vae.state_dict().items()}
        return Shown(weights, latents, provenance, self.snapshots, self.epochs)

    @torch.inference_mode()
    def means(self, points) -> np.ndarray:
        return torch.sigmoid(self.vae.decoder(torch.as_tensor(points, dtype=torch.float32))).numpy()

    def log_joint(self, x: torch.Tensor, rows: int) -> torch.Tensor:
        seen = slice(0, 28 * rows)
        return log_prior(self.z) + log_likelihood(x[seen], self.logits[:, seen])

    def log_evidence(self, x: torch.Tensor, rows: int) -> float:
        return (torch.logsumexp(self.log_joint(x, rows), 0) + self.log_cell).item()

    def expected_picture(self, x: torch.Tensor, rows: int) -> np.ndarray:
        weights = torch.softmax(self.log_joint(x, rows), 0)
        return (weights @ torch.sigmoid(self.logits)).numpy()

    @torch.inference_mode()
    def elbo(self, index: int) -> float:
        """The ELBO by 20,000 draws from the encoder's Gaussian."""
        mean, log_std = self.mean[index], self.log_std[index]
        z = mean + log_std.exp() * torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))
        x = self.images[index]
        terms = log_prior(z) + log_likelihood(x, self.vae.decoder(z)) - log_q(mean, log_std, z)
        return terms.mean().item()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Study(tmp_path_factory.mktemp("explorer") / "explorer.html")


@pytest.fixture(scope="module")
def opened(study, open_page_for_all):
    """The page on a desktop, once its exact answers are shown."""
    page = open_page_for_all(study.path, **DESKTOP)
    choose_mode(page, "digit")
    await_numbers(page)
    return page


@pytest.fixture(scope="module")
def opened_on_phone(study, open_page_for_all):
    return open_page_for_all(study.path, **PHONE)


@pytest.fixture
def phone(opened_on_phone):
    """The page on a phone, scrolled to the top; no test may leave problems."""
    opened_on_phone.evaluate("scrollTo(0, 0)")
    choose_mode(opened_on_phone, "point")
    yield opened_on_phone
    opened_on_phone.evaluate("walking.pause()")
    assert opened_on_phone.problems == []


@pytest.fixture
def page(opened):
    """The desktop page at the first chapter with all classes shown; no test may leave problems."""
    choose_mode(opened, "point")
    opened.click("#all-classes")
    yield opened
    opened.evaluate("walking.pause()")
    assert opened.problems == []


def choose_mode(page, mode):
    """Choose a mode without pointer events, by which the page would judge the device."""
    page.locator(f"input[name=mode][value={mode}]").evaluate("radio => radio.click()")


def choose_test(page, index):
    page.check(f"#tests label:nth-child({index + 1}) input")


def place(page, study, point):
    """Where a latent point lies on the plane's canvas, in CSS pixels from its corner."""
    box, reach = page.locator("#plane").bounding_box(), study.reach
    x = (point[0] / reach + 1) / 2 * box["width"]
    y = (1 - point[1] / reach) / 2 * box["height"]
    return {"x": x, "y": y}


def pixels(page, selector) -> np.ndarray:
    """A canvas's contents (height, width, 4), 0 to 255."""
    url = page.locator(selector).evaluate("canvas => canvas.toDataURL()")
    return np.array(Image.open(BytesIO(b64decode(url.partition(",")[2]))).convert("RGBA")).astype(int)


def picture(page, selector) -> np.ndarray:
    """The shades of a picture of a digit, 1 for ink, (784,)."""
    return 1 - pixels(page, selector)[..., 0].ravel() / 255


def settle(page) -> None:
    """Wait until the request is drawn; the page draws once per frame."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def await_rest(page) -> None:
    """Wait until a swipe has come to rest; it glides on after the finger has left."""
    page.evaluate(
        """async () => {
            for (let last = -1, still = 0; still < 10; last = scrollY) {
                await new Promise(requestAnimationFrame);
                still = scrollY === last ? still + 1 : 0;
            }
        }"""
    )


def written_point(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", text.replace(MINUS, "-"))]


def await_numbers(page) -> None:
    """Wait until the worker has answered the last question."""
    page.locator("#numbers").filter(has_not_text="…").filter(has_text="nats").wait_for()


def numbers(page) -> list[tuple[float, float]]:
    """The exact numbers, each with its stated error."""
    await_numbers(page)
    return [tuple(written_point(text)) for text in page.locator("#numbers dd").all_inner_texts()]


def probabilities(page) -> dict[str, float]:
    items = page.locator("#probabilities li")
    names, shares = (items.locator(part).all_inner_texts() for part in (".name", ".share"))
    return {name: float(share.split()[0]) / 100 for name, share in zip(names, shares, strict=True)}


def draw(page, *lines) -> None:
    """Draw on the pad with the mouse, along points (column, row) of its 28 x 28 pixels."""
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()

    def move(point):
        page.mouse.move(
            box["x"] + point[0] / 28 * box["width"], box["y"] + point[1] / 28 * box["height"], steps=5
        )

    for first, *others in lines:
        move(first)
        page.mouse.down()
        for point in others:
            move(point)
        page.mouse.up()
    settle(page)


SEVEN = [(7, 7), (20, 7), (13, 22)]


# --- the file -------------------------------------------------------------------------------------------


def test_file_is_small_and_refers_to_nothing_outside(study):
    text = study.path.read_text(encoding="utf-8")
    assert len(text.encode()) < 4_000_000
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", text) == []
    assert re.findall(r"@import|url\(|https?://", text) == []
    assert "default-src 'none'" in text


def test_data_cannot_end_their_script(study):
    hostile = "</script><script>alert(1)</script>"
    text = explorer_page(study.data | {"about": hostile})
    assert hostile not in text
    inlined = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1]
    assert json.loads(inlined)["about"] == hostile


# --- the decoder, and exact inference -------------------------------------------------------------------


def test_decoded_digits_are_pytorchs_within_the_stated_error(page, study):
    reach = study.reach
    points = np.random.default_rng(0).uniform(-reach, reach, (50, 2))
    found = page.evaluate(
        "points => points.map(([x, y]) => Array.from(decode(state.model.decoder, x, y)))", points.tolist()
    )
    stated = stated_precision(page)[1]
    assert 0 < stated < 0.005
    assert np.abs(np.array(found) - study.means(points)).max() <= stated


def stated_precision(page):
    """Errors of log p, and of a pixel's probability, that rounding the page's weights may cause."""
    text = page.locator("#precision").text_content()
    assert "16 bits" in text
    log_p, probability = re.findall(r"up to (0\.\d+)", text)
    return float(log_p), float(probability)


@pytest.mark.parametrize("rows", [0, 8, 14, 28])
def test_exact_evidence_is_pytorchs(page, study, rows):
    found = page.evaluate(
        """rows => tests.pictures.slice(0, 6).map((x) =>
            logEvidence(state.model.decoder, x, rows,
                        onGrid({ values: logJoint(state.model.grid, x, rows) })))""",
        rows,
    )
    exact = np.array([study.log_evidence(x, rows) for x in study.tests[:6]])
    moved, _ = stated_precision(page)
    values, errors = (np.array([one[name] for one in found]) for name in ("value", "error"))
    assert (np.abs(values - exact) <= errors + moved + 0.003).all()
    assert errors.max() < 0.01


@pytest.mark.parametrize(("slope", "contrast"), [(2, 4), (4, 8), (10, 10)])
def test_evidence_of_a_narrow_posterior_is_within_its_stated_error(page, slope, contrast):
    generator = torch.Generator().manual_seed(3)
    hidden = [slope * torch.randn(8, 2, generator=generator), 2 * torch.randn(8, generator=generator)]
    output = [contrast * torch.randn(64, 8, generator=generator), torch.zeros(64)]

    def logits(z):
        return torch.tanh(z @ hidden[0].T + hidden[1]) @ output[0].T + output[1]

    z = torch.tensor([0.513, -0.871])
    x = (torch.rand(64, generator=generator) < torch.sigmoid(logits(z))).float()
    names = ("hiddenWeight", "hiddenBias", "outputWeight", "outputBias")
    weights = {name: tensor.flatten().tolist() for name, tensor in zip(names, hidden + output, strict=True)}
    found, coarse = page.evaluate(
        """([weights, picture]) => {
            const tensors = Object.entries(weights).map(([name, array]) => [name, Float32Array.from(array)]);
            const decoder = Object.fromEntries(tensors);
            const values = logJoint(decodeGrid(decoder, 4, 121, () => {}), picture, 8);
            return [logEvidence(decoder, picture, 8, { reach: 4, size: 121, values }),
                    logSum([...values], (8 / 120) ** 2)];
        }""",
        [weights, x.int().tolist()],
    )
    axis = torch.linspace(-4, 4, 801)
    fine = torch.cartesian_prod(axis, axis)
    joint = [log_prior(part) + log_likelihood(x, logits(part)) for part in fine.split(40_000)]
    exact = torch.logsumexp(torch.cat(joint).double(), 0).item() + 2 * np.log(0.01)
    assert abs(found["value"] - exact) <= found["error"] + 1e-5  # float32's, here
    assert found["error"] < 0.003
    assert (abs(coarse - exact) > 0.1) == (slope == 10)  # what the refinement is for


def test_class_probabilities_are_shares_of_codes_averaged_over_the_posterior(page, study):
    """As the definition has it, on a finer grid and by PyTorch's decoder."""
    count = round(len(study.mean) ** 0.5)
    near = torch.cdist(study.z, study.mean).topk(count, largest=False).indices
    labels = torch.from_numpy(study.labels.astype(int))[near]
    shares = torch.nn.functional.one_hot(labels, 10).float().mean(1)
    choose_mode(page, "half")
    for index, rows in ((0, 28), (4, 14), (7, 5)):
        choose_test(page, index)
        page.locator("#rows").fill(str(rows))
        expected = torch.softmax(study.log_joint(study.tests[index], rows), 0) @ shares
        found = probabilities(page)
        for label, probability in enumerate(expected.tolist()):
            assert found.get(str(label), 0.0) == pytest.approx(probability, abs=0.04)
    note = page.locator("#classifier-note").inner_text()
    whole, images, half = (
        int(text) for text in re.search(r"right for (\d+) of the first (\d+) .* for (\d+)", note).groups()
    )
    assert images == 100
    assert images / 10 < half <= whole <= images
    assert f"{count} training pictures" in note


# --- a point makes a digit ------------------------------------------------------------------------------


def test_digit_under_the_pointer_is_drawn(page, study):
    seen = []
    for point in ([1.5, -1.0], [-2.0, 0.5]):
        page.hover("#plane", position=place(page, study, point))
        settle(page)
        there = written_point(page.locator("#decoded-at").inner_text())
        assert np.allclose(there, point, atol=0.02)
        assert np.abs(picture(page, "#decoded") - study.means(there)).max() < 0.02
        seen.append(picture(page, "#decoded"))
    assert np.abs(seen[0] - seen[1]).max() > 0.2


def test_two_clicks_make_a_walk(page, study):
    a, b = [-1.5, -1.5], [1.0, 2.0]
    page.evaluate("state.path = []")
    page.click("#plane", position=place(page, study, a))
    settle(page)
    assert not page.locator("#path").is_visible()
    page.click("#plane", position=place(page, study, b))
    settle(page)
    ends = written_point(page.locator("#path-caption").inner_text())
    assert np.allclose(ends, a + b, atol=0.02)
    a, b = np.array(ends[:2]), np.array(ends[2:])
    assert page.locator("#path canvas").count() == 10
    for step in (0, 3, 9):
        mean = study.means((1 - step / 9) * a + step / 9 * b)
        assert np.abs(picture(page, f"#path canvas:nth-child({step + 1})") - mean).max() < 0.03


def test_walk_goes_on_and_can_be_paused(page, study):
    """The picture beside the plane is the decoder's at the point of the way."""
    page.evaluate("state.path = [[-1.5, -1.5], [1, 2]]; beginWalk(); walk.share = 0.2")
    page.wait_for_function("() => walk.share > 0.25")
    page.get_by_role("button", name="Pause").click()
    assert not page.evaluate("walking.runs")
    there = page.evaluate("walkAt(walk.share)")
    assert np.abs(picture(page, "#walk") - study.means(there)).max() < 0.02
    page.evaluate("walk.share = 0.99")
    page.get_by_role("button", name="Walk").click()
    page.wait_for_function("() => walk.way === -1 && walk.share < 1")


def test_nothing_moves_by_itself_where_motion_is_not_wanted(study, open_page):
    page = open_page(study.path, reduced_motion="reduce")
    settle(page)
    assert page.evaluate("[walking.runs, walk.share]") == [False, 0]
    choose_mode(page, "film")
    page.evaluate("byId('run-film').click()")
    frames = page.evaluate(
        """async () => {
            const seen = new Set();
            while (filming.runs) {
              seen.add(state.frame);
              await new Promise(requestAnimationFrame);
            }
            return [...seen, state.frame];
        }"""
    )
    assert set(frames) == {0, 1, 2}
    assert page.problems == []


def test_dot_under_the_pointer_shows_its_training_picture(page, study):
    """In every mode. Where the pointer is not on a dot, none is shown."""
    target = study.mean[7].tolist()
    for mode in ("point", "half", "film"):
        choose_mode(page, mode)
        page.evaluate("showFilmAt(2)")
        page.hover("#plane", position=place(page, study, target))
        settle(page)
        dot = page.evaluate("dotUnder(state.pointer, plane.clientWidth)")
        assert torch.dist(study.mean[dot], study.mean[7]) < 0.1
        nowhere = [-0.99 * study.reach, 0.99 * study.reach]
        assert page.evaluate("point => dotUnder(point, plane.clientWidth)", nowhere) is None


def test_decoded_pictures_lie_behind_the_dots_if_asked_for(page, study):
    page.click("#no-classes")
    without = pixels(page, "#plane")
    page.evaluate("walking.pause()")
    page.check("#behind")
    settle(page)
    ink = pixels(page, "#plane") != without
    assert ink.any(2).mean() > 0.1
    drawn = page.evaluate("decodedMosaic().width")
    assert drawn == 28 * study.data["mosaic"]
    mosaic = page.evaluate(
        "Array.from(decodedMosaic().getContext('2d').getImageData(28 * 7, 28 * 7, 28, 28).data)"
    )
    assert np.abs(np.array(mosaic[3::4]) / 255 - study.means([[0.0, 0.0]])).max() < 0.02
    page.uncheck("#behind")


def test_another_model_takes_over_the_page(page, study):
    choose_mode(page, "digit")
    first = numbers(page)
    page.locator("#models input").nth(1).evaluate("radio => radio.click()")
    page.wait_for_function("() => state.model.grid !== null")
    assert numbers(page) != first
    index = page.evaluate("state.digit")
    mean, _ = study.codes(study.early)
    with torch.inference_mode():
        means = torch.sigmoid(study.early.decoder(mean[index]))
    assert np.abs(picture(page, "#reconstruction") - means.numpy()).max() < 0.01
    assert "early recipe" in page.locator("#about").inner_text()
    page.locator("#models input").nth(0).evaluate("radio => radio.click()")
    assert numbers(page) == first


# --- how it was learnt ----------------------------------------------------------------------------------


def test_film_shows_the_snapshots(page, study):
    choose_mode(page, "film")
    for frame, epoch in enumerate((5, 10, 20)):
        page.locator("#frame").fill(str(frame))
        assert page.locator("#epoch").inner_text() == str(epoch)
        vae = VAE()
        tensors = study.snapshots[str(epoch)]
        vae.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
        mean, _ = study.codes(vae)
        found = np.reshape(page.evaluate("Array.from(filmCodes())"), (-1, 2))
        assert np.abs(found - mean.numpy()).max() < 0.01
        said = page.locator("#chart").get_attribute("aria-label")
        row = study.epochs[study.epochs.epoch == epoch].iloc[0]
        assert f"{-row.elbo:.2f}" in said
        assert f"{-row.log_px:.2f}" in said


def test_film_plays_to_its_end(page):
    choose_mode(page, "film")
    page.evaluate("showFilmAt(1)")
    page.click("#run-film")
    page.wait_for_function("() => state.frame > 1 && state.frame < 2")
    page.wait_for_function("() => !filming.runs")
    assert page.locator("#epoch").inner_text() == "20"


# --- a digit has many points ----------------------------------------------------------------------------


def test_clicked_digit_shows_original_reconstruction_and_both_answers(page, study):
    choose_mode(page, "digit")
    for target in (7, 42):
        page.click("#plane", position=place(page, study, study.mean[target].tolist()))
        # Dots may lie upon each other: whichever was taken is the one described.
        index, label = map(int, re.findall(r"\d+", page.locator("#original-caption").inner_text()))
        assert torch.dist(study.mean[index], study.mean[target]) < 0.1
        assert label == study.labels[index]
        assert np.array_equal(picture(page, "#original"), study.images[index].numpy())
        assert np.abs(picture(page, "#reconstruction") - study.means(study.mean[index])).max() < 0.01
        exact = study.log_evidence(study.images[index], 28)
        (evidence, _), (elbo, _), (gap, _) = numbers(page)
        assert evidence == pytest.approx(exact, abs=0.03)
        assert elbo == pytest.approx(study.elbo(index), abs=0.1)
        assert gap == pytest.approx(exact - elbo, abs=0.05)


def test_hidden_classes_are_neither_drawn_nor_chosen(page, study):
    choose_mode(page, "digit")
    everything = pixels(page, "#plane")
    page.click("#no-classes")
    nothing = pixels(page, "#plane")
    assert (everything != nothing).any(2).sum() > 1000
    page.check("#classes label:nth-child(4) input", force=True)
    for point in ([0, 0], [2, 2], [-2, -1]):
        page.click("#plane", position=place(page, study, point))
        assert page.locator("#original-caption").inner_text().endswith("a 3")
    page.click("#no-classes")
    page.click("#plane", position=place(page, study, [0, 0]))
    assert "No digits are shown" in page.locator("#status").inner_text()


# --- half a digit, and the rest -------------------------------------------------------------------------


def test_bottom_half_is_hidden_and_completed_by_the_posterior(page, study):
    choose_mode(page, "half")
    for index in (3, 11):
        choose_test(page, index)
        x = study.tests[index]
        assert page.locator("#rows-seen").inner_text() == "14 of 28"
        seen = picture(page, "#seen").reshape(28, 28)
        assert np.array_equal(seen[:14].ravel(), x[:392].numpy())
        assert np.unique(seen[14:]).size == 1
        assert np.array_equal(picture(page, "#truth"), x.numpy())
        expected = picture(page, "#expected")
        assert np.array_equal(expected[:392], x[:392].numpy())
        assert np.abs(expected[392:] - study.expected_picture(x, 14)[392:]).max() < 0.02
        hidden = study.log_evidence(x, 28) - study.log_evidence(x, 14)
        (seen, error), (rest, _) = numbers(page)
        assert seen == pytest.approx(study.log_evidence(x, 14), abs=0.03 + error)
        assert rest == pytest.approx(hidden, abs=0.05)


def test_completions_keep_the_top_and_differ_below(page, study):
    choose_mode(page, "half")
    choose_test(page, 5)
    page.locator("#rows").fill("6")
    drawn = [picture(page, f"#draws canvas:nth-child({k})") for k in range(1, 7)]
    top = study.tests[5][: 6 * 28].numpy()
    assert all(np.array_equal(one[: 6 * 28], top) for one in drawn)
    assert np.std(drawn, axis=0).max() > 0.05


def test_rows_revealed_narrow_the_posterior(page):
    choose_mode(page, "half")
    choose_test(page, 0)
    plane, spread = [], []
    for rows in ("2", "14", "28"):
        page.locator("#rows").fill(rows)
        assert page.locator("#rows-seen").inner_text() == f"{rows} of 28"
        plane.append(pixels(page, "#plane"))
        spread.append(page.evaluate("answer.mass.reduce((sum, m) => sum - (m > 0 ? m * Math.log(m) : 0), 0)"))
    assert spread[0] > spread[1] > spread[2]
    assert (plane[0] != plane[1]).any()
    assert (plane[1] != plane[2]).any()


def test_play_reveals_row_by_row_to_the_end_and_the_half_can_be_hidden_again(page):
    choose_mode(page, "half")
    choose_test(page, 1)
    page.locator("#rows").fill("24")
    page.evaluate(
        """() => {
          window.seen = [];
          new MutationObserver(() => window.seen.push(document.getElementById("rows-seen").textContent))
            .observe(document.getElementById("rows-seen"), { childList: true });
        }"""
    )
    page.click("#play")
    page.get_by_text("28 of 28").wait_for()
    assert page.evaluate("window.seen") == [f"{rows} of 28" for rows in (25, 26, 27, 28)]
    page.get_by_role("button", name="Reveal row by row").wait_for()
    page.click("#half")
    assert page.locator("#rows-seen").inner_text() == "14 of 28"
    page.click("#play")
    page.get_by_role("button", name="Pause").click()
    assert not page.evaluate("revealing.runs")


def test_of_a_picture_seen_whole_the_model_s_own_is_shown(page):
    choose_mode(page, "half")
    page.locator("#rows").fill("28")
    assert np.abs(picture(page, "#expected") - picture(page, "#seen")).max() > 0.1
    assert not page.locator("#truth").is_visible()
    page.locator("#rows").fill("14")
    assert page.locator("#truth").is_visible()


def test_close_up_shows_the_posterior_and_q_whenever_the_plane_does(page):
    for mode in ("digit", "half", "draw"):
        page.evaluate("() => { byId('closeup').width = 0; }")
        choose_mode(page, mode)
        await_numbers(page)
        red, _, blue, alpha = pixels(page, "#closeup").reshape(-1, 4).T
        assert ((blue > 120) & (red < 60) & (alpha > 150)).sum() > 100  # the posterior's core
        if mode == "digit":
            assert ((red > 150) & (blue < 60) & (alpha > 150)).sum() > 100  # q's ellipses


# --- draw your own --------------------------------------------------------------------------------------


def test_drawing_is_inferred_as_rows_are_drawn(page, study):
    choose_mode(page, "draw")
    page.click("#clear")
    draw(page, [(7, 7), (20, 7), (17, 13)])
    ink = np.array(page.evaluate("Array.from(state.ink)"), float)
    rows = int(np.flatnonzero(ink).max() // 28) + 1
    assert 13 <= rows <= 16
    assert ink.reshape(28, 28)[6:8, 9:19].all()
    assert not ink.reshape(28, 28)[10, :9].any()
    assert page.locator("#rows-seen").inner_text() == f"{rows} of 28"
    x = torch.from_numpy(ink).float()
    ((seen, error),) = numbers(page)
    assert seen == pytest.approx(study.log_evidence(x, rows), abs=0.05 + error)
    continued = picture(page, "#expected")
    assert np.array_equal(continued[: 28 * rows], ink[: 28 * rows])
    assert np.abs(continued - study.expected_picture(x, rows))[28 * rows :].max() < 0.03
    draw(page, [(17, 13), (13, 22)])
    page.click("#whole")
    assert page.locator("#rows-seen").inner_text() == "28 of 28"
    assert page.locator("#numbers dt").inner_text() == "log p(picture)"
    assert sum(probabilities(page).values()) > 0.9


def test_nearest_training_digits_differ_in_the_fewest_pixels_seen(page, study):
    choose_mode(page, "draw")
    page.click("#clear")
    draw(page, SEVEN)
    ink = torch.tensor(page.evaluate("Array.from(state.ink)"))
    rows = page.evaluate("state.rowsDrawn")
    distances = (study.images != ink)[:, : 28 * rows].sum(1)
    found = page.evaluate("answer.nearest")
    assert distances[found].tolist() == distances.sort().values[: len(found)].tolist()
    labels = ", ".join(str(study.labels[i]) for i in found)
    assert f": {labels}." in page.locator("#nearest-caption").inner_text()


def test_eraser_centre_and_clear(page):
    choose_mode(page, "draw")
    page.click("#clear")
    draw(page, [(4, 4), (4, 12)])
    before = page.evaluate("state.ink.reduce((a, b) => a + b)")
    page.click("#eraser")
    draw(page, [(2, 4), (8, 4)])
    page.click("#eraser")
    after = page.evaluate("state.ink.reduce((a, b) => a + b)")
    assert 0 < after < before
    page.click("#centre")
    settle(page)
    y, x = np.nonzero(np.array(page.evaluate("Array.from(state.ink)")).reshape(28, 28))
    assert len(x) == after
    assert (abs(x.mean() - 13.5), abs(y.mean() - 13.5)) <= (0.6, 0.6)
    page.click("#clear")
    settle(page)
    assert page.evaluate("state.ink.reduce((a, b) => a + b)") == 0
    assert page.locator("#rows-seen").inner_text() == "0 of 28"
    assert not page.locator("#nearest").is_visible()


def test_pointer_leaves_no_pen_on_the_pad(page):
    choose_mode(page, "draw")
    page.click("#clear")
    draw(page, SEVEN)
    shades = np.unique(pixels(page, "#pad").reshape(-1, 4), axis=0)
    assert len(shades) <= 3  # paper, ink, covered paper


def test_keys_draw(page):
    choose_mode(page, "draw")
    page.click("#clear")
    page.focus("#pad")
    page.keyboard.press("Space")
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    settle(page)
    ink = np.array(page.evaluate("Array.from(state.ink)")).reshape(28, 28)
    assert ink.sum() >= 7
    assert np.unique(np.nonzero(ink)[0]).size >= 7
    assert "Pen up" in page.locator("#status").inner_text()


# --- the state in the address ---------------------------------------------------------------------------


def test_address_brings_the_view_back(page, study, open_page):
    def address():
        settle(page)
        page.wait_for_function("() => location.hash === fragment()")
        return page.evaluate("location.hash")

    choose_mode(page, "half")
    choose_test(page, 9)
    page.locator("#rows").fill("11")
    page.uncheck("#classes label:nth-child(4) input", force=True)
    half = address()
    page.click("#all-classes")
    choose_mode(page, "draw")
    page.click("#clear")
    draw(page, SEVEN)
    drawn, ink = address(), page.evaluate("Array.from(state.ink)")
    choose_mode(page, "point")
    page.hover("#plane", position=place(page, study, [1.0, 2.0]))
    point = address()

    other = open_page(study.path, **DESKTOP)
    for hash, shown in (
        (half, "[state.mode, state.test, state.rows, state.visible.has(3), state.visible.size]"),
        (drawn, "[state.mode, ...state.ink]"),
        (point, "[state.mode, ...state.pointer]"),
    ):
        other.evaluate("hash => { location.hash = hash; }", hash)
        mode = re.search("mode=([a-z]+)", hash)[1]
        other.wait_for_function("mode => state.mode === mode", arg=mode)
        found = other.evaluate(shown)
        if hash is half:
            assert found == ["half", 9, 11, False, 9]
            assert other.locator("#rows-seen").inner_text() == "11 of 28"
        elif hash is drawn:
            assert found == ["draw", *ink]
        else:
            assert found[1:] == pytest.approx([1.0, 2.0], abs=0.03)
    assert other.problems == []


@pytest.mark.parametrize(
    "nonsense",
    [
        "#mode=none",
        "#",
        "#mode=half&test=1e9&rows=-3",
        "#mode=draw&ink=%%%",
        "#mode=draw&ink=AAA&rows=99",
        "#mode=point&z=a,b",
        "#mode=point&a=9e9,0",
    ],
)
def test_nonsense_in_the_address_changes_nothing_that_matters(page, nonsense):
    page.evaluate("state.path = [[0, 0], [1, 1]]")
    page.evaluate("hash => { location.hash = hash; }", nonsense)
    settle(page)
    assert page.evaluate("state.path.length") == 2
    state = page.evaluate("[state.test, state.rows, state.rowsDrawn, state.ink.length]")
    assert 0 <= state[0] < 100
    assert 0 <= min(state[1:3]) <= max(state[1:3]) <= 28
    assert state[3] == 784


# --- hands, eyes and screens ----------------------------------------------------------------------------


def test_keys_do_all_that_a_pointer_does(page, study):
    page.focus("input[name=mode]:checked")
    page.keyboard.press("ArrowRight")
    assert page.locator("p[data-mode=digit]").is_visible()
    page.keyboard.press("ArrowLeft")
    page.focus("#plane")
    before = written_point(page.locator("#decoded-at").inner_text())
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowDown"):
        page.keyboard.press(key)
    settle(page)
    after = written_point(page.locator("#decoded-at").inner_text())
    assert np.allclose(np.subtract(after, before), [0.2, -0.4], atol=0.011)
    page.evaluate("state.path = []")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    settle(page)
    ends = written_point(page.locator("#path-caption").inner_text())
    assert np.allclose(np.subtract(ends[2:], ends[:2]), [-0.1, 0], atol=0.011)
    choose_mode(page, "half")
    page.focus("#tests input:checked")
    page.keyboard.press("ArrowRight")
    page.focus("#rows")
    page.keyboard.press("ArrowRight")
    assert page.locator("#rows-seen").inner_text() == "15 of 28"


def test_every_control_and_picture_has_a_name(page):
    for mode in SEEN_AT_ONCE:
        choose_mode(page, mode)
        nameless = page.evaluate(
            """() => Array.from(document.querySelectorAll(
                "input, button, progress, canvas:not([aria-hidden])"))
                .filter((element) => element.checkVisibility()
                  && !element.getAttribute("aria-label") && !element.labels?.[0]?.textContent.trim()
                  && !(element.tagName === "BUTTON" && element.textContent.trim()))
                .map((element) => element.outerHTML)"""
        )
        assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_and_digits_follow_the_scheme(page, scheme):
    page.emulate_media(color_scheme=scheme)
    colours = page.evaluate(
        """() => Object.fromEntries(["page", "surface", "text", "quiet", "exact", "q", "paper", "ink"].map(
            (name) => [
                name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()]))"""
    )

    colours = {name: channels(colour) for name, colour in colours.items()}
    for text, ground in itertools.product(("text", "quiet", "exact", "q"), ("page", "surface")):
        assert contrast(colours[text], colours[ground]) >= 4.5
    assert (luminance(colours["page"]) > 0.5) == (luminance(colours["paper"]) > 0.5) == (scheme == "light")
    assert (pixels(page, "#decoded")[0, 0, 0] > 128) == (scheme == "light")
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_class_chips_and_labels_can_be_read(page, scheme):
    page.emulate_media(color_scheme=scheme)
    settle(page)
    chips = page.evaluate(
        """() => Array.from(document.querySelectorAll("#classes span"), (chip) => {
            const style = getComputedStyle(chip);
            return [style.color, style.backgroundColor].map((text) =>
              text.match(/\\d+/g).slice(0, 3).map(Number));
        })"""
    )
    labels = page.evaluate("theme.labels.map((hex) => [channels(hex), channels(theme.surface)])")
    page.emulate_media(color_scheme="light")
    assert len(chips) == len(labels) == 10
    assert min(contrast(*np.divide(colours, 255)) for colours in chips + labels) >= 4.5


def test_bars_of_named_classes_line_up(study, open_page, tmp_path):
    names = ["a", "a longer name", *"cdefghi", "trousers"]
    (tmp_path / "named.html").write_text(
        explorer_page(study.data | {"noun": "picture", "classes": names}), "utf-8"
    )
    page = open_page(tmp_path / "named.html", **DESKTOP)
    choose_mode(page, "half")
    await_numbers(page)
    edges = page.locator("#probabilities .bar").evaluate_all(
        "bars => bars.map((bar) => [bar.getBoundingClientRect().left, bar.getBoundingClientRect().right])"
    )
    assert len(edges) == 10
    assert len({tuple(edge) for edge in edges}) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_show_every_state(study, open_page, scheme):
    page = open_page(study.path, forced_colors="active", color_scheme=scheme)
    choose_mode(page, "half")
    await_numbers(page)
    page.uncheck("#classes label:nth-child(4) input", force=True)

    def grounds(selector):
        return page.locator(selector).evaluate_all(
            "elements => elements.map((one) => getComputedStyle(one).backgroundColor)"
        )

    tabs, chips, models = (grounds(f"{part} label > span") for part in (".modes", "#classes", "#models"))
    assert tabs.count(tabs[2]) == 1
    assert chips.count(chips[3]) == 1
    assert models[0] != models[1]
    bars, tracks = grounds("#probabilities .bar span"), grounds("#probabilities .bar")
    assert len(set(bars)) == 10
    assert not set(bars) & set(tracks)
    assert page.problems == []


def test_text_on_canvases_starts_at_the_left_whichever_way_the_page_reads(page):
    choose_mode(page, "digit")
    await_numbers(page)
    before = pixels(page, "#closeup")
    page.evaluate("document.documentElement.dir = 'rtl'; render()")
    after = pixels(page, "#closeup")
    page.evaluate("document.documentElement.removeAttribute('dir'); render()")
    assert np.array_equal(before, after)


def test_cursor_promises_only_what_a_click_does(page):
    cursors = {}
    for mode in SEEN_AT_ONCE:
        choose_mode(page, mode)
        cursors[mode] = page.locator("#plane").evaluate("plane => getComputedStyle(plane).cursor")
    assert [mode for mode, cursor in cursors.items() if cursor == "crosshair"] == ["point", "digit"]


def test_keys_are_explained_wherever_there_may_be_some(page, phone):
    """A laptop with a touch screen has both."""
    assert page.locator("#plane-keys .keys").is_visible()
    assert not phone.locator("#plane-keys .keys").is_visible()


def test_lens_covers_no_label(page, study):
    size = page.locator("#plane").bounding_box()["width"]
    covered = page.evaluate(
        """size => {
            const covered = [];
            for (let x = 0; x <= size; x += size / 40)
              for (let y = 0; y <= size; y += size / 40) {
                const height = lensSize(size), width = 2 * height;
                const place = lensPlace([x, y], size, [width, height]);
                if (place && labelBoxes.some(([l, t, r, b]) =>
                  l < place[0] + width && r > place[0]
                  && t < place[1] + height && b > place[1])) covered.push([x, y]);
              }
            return [covered, labelBoxes.length];
        }""",
        size,
    )
    assert covered == [[], 10]


def covered_names(page, places: str, half: int) -> int:
    """The number of class names covered by these squares on the plane."""
    return page.evaluate(
        f"""half => {places}.filter(([x, y]) => labelBoxes.some(([l, t, r, b]) =>
            l < x + half && r > x - half && t < y + half && b > y - half)).length""",
        half,
    )


def test_names_stay_where_they_are(page):
    """Whatever is marked on the plane."""
    places = []
    for mode in ("point", "digit", "half", "draw"):
        choose_mode(page, mode)
        settle(page)
        places.append(page.evaluate("labelBoxes"))
    assert places[0] == places[1] == places[2] == places[3]


def test_walks_ends_cover_no_label(page, study):
    """Where a reader clicks on a name."""
    for name in (0, 1):
        page.evaluate("state.path = []")
        for point in (study.data["models"][0]["label_places"][name], [5.0, 5.0]):
            page.click("#plane", position=place(page, study, point))
        settle(page)
        places = "state.path.map((point) => letterPlace(point, plane.clientWidth))"
        assert page.evaluate(f"{places}.length") == 2
        assert covered_names(page, places, 9) == 0


def test_page_begins_with_every_label_in_sight(phone):
    for places, half in (
        ("state.path.map((point) => letterPlace(point, plane.clientWidth))", 9),
        ("state.path.map((point) => toScreen(point, plane.clientWidth))", 9),
        ("[handlePlace(toScreen(state.path[0], plane.clientWidth), plane.clientWidth)]", 22),
    ):
        assert covered_names(phone, places, half) == 0


def test_hints_speak_of_what_points(page, phone):
    for one, verb, other in ((page, "click", "tap"), (phone, "tap", "click")):
        for mode in ("point", "digit"):
            choose_mode(one, mode)
            shown = one.locator("main").inner_text().lower()
            assert verb in shown
            assert other not in shown.replace("enter clicks", "")
            assert ("move over" in shown) == (verb == "click" and mode == "point")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["point", "digit", "half", "draw", "film"])
def test_axe_finds_nothing(page, findings, mode, scheme):
    page.emulate_media(color_scheme=scheme)
    choose_mode(page, mode)
    found = findings(page)
    page.emulate_media(color_scheme="light")
    assert found == []


def test_paper_shows_the_chosen_chapter_with_its_numbers(page):
    choose_mode(page, "digit")
    before = numbers(page)
    size = page.viewport_size
    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4, "height": 1000})
    settle(page)
    shown = page.locator(".modes label").filter(visible=True).all_inner_texts()
    written = page.locator("#numbers dd").all_inner_texts()
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    plane, closeup = (page.locator(selector).bounding_box() for selector in ("#plane", "#closeup"))
    page.emulate_media(media="screen")
    page.set_viewport_size(size)
    assert shown == ["A digit has many points"]
    assert [tuple(written_point(text)) for text in written] == before
    assert fits
    assert closeup["x"] > plane["x"] + plane["width"]  # beside it


def test_a_frame_that_is_hidden_draws_once_it_is_shown(study, open_page, tmp_path):
    escaped = study.path.read_text(encoding="utf-8").replace("&", "&amp;").replace('"', "&quot;")
    around = tmp_path / "around.html"
    around.write_text(f'<iframe style="display: none; width: 900px" srcdoc="{escaped}"></iframe>', "utf-8")
    page = open_page(around)
    frame = page.frame_locator("iframe")
    frame.locator("#probabilities").wait_for(state="attached")
    settle(page)
    page.locator("iframe").evaluate("frame => { frame.style.display = 'block'; }")
    settle(page)
    assert frame.locator("#plane").evaluate("canvas => canvas.width") > 100
    assert page.problems == []


def test_classes_that_are_numbers_are_called_classes(study, open_page, tmp_path):
    """Say "test picture 0, class 7": "test picture 0, 7" would be read as two pictures."""
    path = tmp_path / "pictures.html"
    for names, called in (([*"0123456789"], "class {}"), ([*"abcdefghij"], "{}")):
        path.write_text(explorer_page(study.data | {"noun": "picture", "classes": names}), "utf-8")
        page = open_page(path)
        settle(page)
        name = names[page.evaluate("tests.labels[0]")]
        said = page.evaluate("called('test', 0, tests.labels)")
        assert said == f"test picture 0, {called.format(name)}"
        assert page.problems == []


def touch(page):
    """A function that sends a touch event of a given kind with fingers at given places."""
    session = page.context.new_cdp_session(page)

    def fingers(kind, *places):
        points = [{"x": x, "y": y} for x, y in places]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return fingers


def test_swipe_over_the_plane_scrolls_and_the_handle_drags(phone, study):
    page = phone
    before = page.evaluate("[...state.pointer]")
    finger, box = touch(page), page.locator("#plane").bounding_box()
    x, y = box["x"] + 30, box["y"] + box["height"] / 2
    finger("touchStart", (x, y))
    for step in range(1, 7):
        finger("touchMove", (x, y - 15 * step))
    finger("touchEnd")
    await_rest(page)
    assert page.evaluate("scrollY") > 20
    assert page.evaluate("[...state.pointer]") == before
    page.evaluate("scrollTo(0, 0)")
    settle(page)
    box = page.locator("#handle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger("touchStart", (x, y))
    for step in range(1, 6):
        finger("touchMove", (x + 6 * step, y - 10 * step))
    finger("touchEnd")
    settle(page)
    moved = np.subtract(page.evaluate("[...state.pointer]"), before)
    scale = 2 * study.reach / page.locator("#plane").bounding_box()["width"]
    assert np.allclose(moved, [30 * scale, 50 * scale], atol=0.1)
    assert page.evaluate("scrollY") == 0


def test_finger_draws(phone):
    page = phone
    choose_mode(page, "draw")
    page.locator("#pad").scroll_into_view_if_needed()
    top = page.evaluate("scrollY")
    box = page.locator("#pad").bounding_box()
    finger = touch(page)
    for kind, share in (("touchStart", 0.2), ("touchMove", 0.4), ("touchMove", 0.7), ("touchEnd", None)):
        at = [] if share is None else [(box["x"] + box["width"] / 2, box["y"] + share * box["height"])]
        finger(kind, *at)
    settle(page)
    ink = np.array(page.evaluate("Array.from(state.ink)")).reshape(28, 28)
    assert ink[8:18, 14].all()
    assert page.evaluate("scrollY") == top


SEEN_AT_ONCE = {  # the hand, the plane, the answer
    "point": ["#plane", "#decoded", "#walk"],
    "digit": ["#plane", "#original", "#reconstruction", "#closeup", "#probabilities"],
    "half": ["#rows", "#seen", "#plane", "#expected", "#probabilities"],
    "draw": ["#pad", "#plane", "#expected", "#probabilities"],
    "film": ["#run-film", "#frame", "#plane", "#chart"],
}
SIZES = [(800, 600), (800, 1000), (1024, 768), (1366, 650), (1400, 900), (1920, 1080), (3840, 2160)]
PHONE_SIZES = [(360, 640), (360, 740), (390, 844), (740, 360)]


def out_of_sight(page):
    """What should be seen at once, and is not, by the modes; and how wide the plane is."""
    out = {}
    for mode, parts in SEEN_AT_ONCE.items():
        choose_mode(page, mode)
        settle(page)
        boxes = {part: page.locator(part).bounding_box() for part in parts}
        height = page.evaluate("innerHeight")
        out[mode] = [part for part, box in boxes.items() if box["y"] < 0 or box["y"] + box["height"] > height]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return out, boxes["#plane"]["width"]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_hand_plane_and_answer_are_seen_at_once(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("scrollTo(0, 0)")
    found, plane = out_of_sight(page)
    page.set_viewport_size(DESKTOP["viewport"])
    assert found == dict.fromkeys(SEEN_AT_ONCE, [])
    assert plane > 0.42 * min(width, height)
    assert plane > 1700 or width < 3840


@pytest.mark.parametrize(("width", "height"), PHONE_SIZES)
def test_hand_plane_and_answer_are_seen_at_once_on_a_phone(phone, width, height):
    phone.set_viewport_size({"width": width, "height": height})
    found, plane = out_of_sight(phone)
    phone.set_viewport_size(PHONE["viewport"])
    assert found == dict.fromkeys(SEEN_AT_ONCE, [])
    assert plane >= 200


def test_plane_covers_nothing_of_the_page_below(phone):
    choose_mode(phone, "draw")
    phone.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    assert phone.locator("#plane").bounding_box()["y"] < 0


def test_phone_holds_the_page_and_a_finger_decodes(phone, study):
    page = phone
    for mode in ("draw", "half", "digit", "point"):
        choose_mode(page, mode)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        small = page.evaluate(
            """() => Array.from(document.querySelectorAll("main label:not([for=progress]), main button"))
                .filter((element) => element.checkVisibility())
                .map((element) => element.getBoundingClientRect())
                .filter(({ width, height }) => Math.min(width, height) < 24).length"""
        )
        assert small == 0
    box, there = page.locator("#plane").bounding_box(), place(page, study, [1.0, 1.0])
    page.touchscreen.tap(box["x"] + there["x"], box["y"] + there["y"])
    settle(page)
    assert np.allclose(written_point(page.locator("#decoded-at").inner_text()), [1, 1], atol=0.05)
