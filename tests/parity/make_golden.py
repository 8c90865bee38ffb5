"""Compute golden.npz: a real Julia's answers, for tests without Julia. Run by `make golden`."""

from pathlib import Path

import numpy as np
import small

from mnist_vae.parity.bridge import ask_reference
from mnist_vae.parity.checks import PARAMETERS

HERE = Path(__file__).parent
GOLDEN = HERE / "golden.npz"


def main() -> None:
    """Ask the reference's core tier, and keep its float64 answers; of large tensors, some entries."""
    inputs = small.inputs()
    answer = ask_reference(inputs, HERE.parents[1] / "reference_julia", "executable")
    contents = {
        "julia_version": answer.julia_version,
        "command": "make golden: julia --startup-file=no reference_julia/parity.jl FOLDER",
    }
    for name, array in inputs.items():
        if not name.startswith("weights."):
            contents[f"inputs/{name}"] = array
    for quantity, array in answer.outputs["core", "float64"].items():
        parameter = quantity.partition(".")[2]
        if parameter in PARAMETERS and array.shape == PARAMETERS[parameter]:
            array = array.flatten()[inputs[f"entries.{parameter}"]]
        contents[f"outputs/{quantity}"] = array
    np.savez_compressed(GOLDEN, **contents)
    print(f"{GOLDEN}: {len(contents)} arrays, by Julia {answer.julia_version}")


if __name__ == "__main__":
    main()
