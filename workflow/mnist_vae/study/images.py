"""The size of all images. This module imports no PyTorch, so that figures can do without.

An image is a vector of its pixels, row by row from the top (docs/model.md, "Data").
"""

SIDE = 28
PIXELS = SIDE * SIDE
TOP_PIXELS = PIXELS // 2  # entries 0..391 are rows 0..13, the top half of the picture
DIGITS = tuple("0123456789")  # names of MNIST's classes
