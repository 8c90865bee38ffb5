"""The parity ladder: this package's numbers against those of the Julia reference, on the same inputs."""
