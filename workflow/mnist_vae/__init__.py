"""A two-dimensional variational autoencoder on binarized MNIST.

One image travels ``data`` -> ``model`` -> ``objective`` -> ``training`` -> ``evaluation`` -> ``figures``;
``densities`` and ``inference`` carry the probability, ``storage`` the files, ``commands`` the command line.
"""
