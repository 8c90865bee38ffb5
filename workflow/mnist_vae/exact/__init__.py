"""Log p(x) and posteriors instead of bounds: summed in one or two latent dimensions, estimated in more."""
