"""The machine on which timings were taken, as stated in every table of them."""

from collections.abc import Iterable

from mnist_vae.provenance.software import blas, cores, processor, versions


def machine(threads: int, packages: Iterable[str] = ()) -> dict[str, str | int]:
    """The processor, NumPy's kernels, the cores available, threads per contender, and packages' versions."""
    found = {name: version for name, version in versions(packages).items() if version}
    return {
        "processor": processor(),
        "blas": blas(),
        "cores": cores(),
        "threads": threads,
        "versions": ", ".join(f"{name} {version}" for name, version in found.items()),
    }
