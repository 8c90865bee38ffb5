"""What timings were taken on: it stands in every table of them."""

from collections.abc import Iterable

from mnist_vae.provenance.software import blas, cores, processor, versions


def machine(threads: int, packages: Iterable[str] = ()) -> dict[str, str | int]:
    """The processor, NumPy's kernels for it, cores this process may use, a contender's threads, versions."""
    found = {name: version for name, version in versions(packages).items() if version}
    return {
        "processor": processor(),
        "blas": blas(),
        "cores": cores(),
        "threads": threads,
        "versions": ", ".join(f"{name} {version}" for name, version in found.items()),
    }
