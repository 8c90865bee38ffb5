"""Log p(x) and posteriors in place of bounds: sums in one or two latent dimensions, estimates beyond."""
