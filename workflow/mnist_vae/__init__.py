"""A two-dimensional variational autoencoder on binarized MNIST.

One image goes through ``data`` (files, grey and binary pictures), ``study`` (the model, its objective and
training), ``exact`` (sums over the latent plane), ``pages`` (tables) and ``figures``. ``config`` and ``plan``
say what is computed, ``commands`` computes it, and ``files`` and ``provenance`` keep it.
"""
