"""A study that is killed at any moment and run again gives the same bits as one that was not killed."""

import random

from support.small_project import RESULTS, SmallProject, finish

KILLS = 12
# Each kind of file, by as few jobs as can be: arrays, weights, tables, a picture and pages.
TARGETS = [
    f"{RESULTS}/tables/metrics.csv",
    f"{RESULTS}/figures/latent_scatter.png",
    f"{RESULTS}/explorer.html",
    f"{RESULTS}/pages/gaps.html",
]


def test_killed_at_random_moments_the_bits_are_the_same(tmp_path):
    """Each time, the same command continues without further help."""
    undisturbed, killed = SmallProject(tmp_path / "undisturbed"), SmallProject(tmp_path / "killed")
    finish(undisturbed, *TARGETS)
    chance, kills, rounds = random.Random(0), 0, 0
    while kills < KILLS:
        kills += killed.kill(chance.uniform(1, 12), "--cores", "4", *TARGETS)
        metadata = killed.folder / RESULTS / "tables/metrics.csv"
        if metadata.exists() and kills < KILLS:  # done, or nearly: once more from the beginning
            finish(killed, *TARGETS)
            assert killed.made() == undisturbed.made()
            finish(killed, "--delete-all-output", *TARGETS)
            rounds += 1
    finish(killed, *TARGETS)
    assert killed.made() == undisturbed.made()
    assert not list(killed.folder.rglob("checkpoint.safetensors"))
    hidden = [path for path in (killed.folder / "results").rglob(".*") if path.is_file()]
    print(f"{kills} kills in {rounds + 1} studies; files cut short, in nobody's way: {len(hidden)}")
