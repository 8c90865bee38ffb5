"""The pictures' one size. Without PyTorch, so that reading and drawing them need not wait for it."""

SIDE = 28
PIXELS = SIDE * SIDE  # an image is a vector, row by row from the top: docs/model.md, "Data"
