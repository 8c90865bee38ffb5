"""What two latent dimensions allow: sums over the plane in place of bounds."""
