"""The assignment's variational autoencoder in PyTorch: images (batch, 784), latents (batch, 2).

`mnist-vae check reference_julia/solution.py` judges it, as it would anybody's. It uses nothing of this
package.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

LATENT, HIDDEN, PIXELS, BATCH = 2, 500, 784, 100
TOP = PIXELS // 2

# Given with the assignment.


def binarize(grey):
    """1 where there is more ink than paper."""
    return (grey > 0.5).to(grey)


def batches(images, size=BATCH):
    """Every image once, in random order; the last batch may be smaller."""
    return images[torch.randperm(len(images))].split(size)


def mnist_img(image):
    """The picture of an image, row by row."""
    return image.reshape(28, 28)


def factorized_gaussian_log_density(mean, log_std, x):
    """Log-density of independent Gaussians, summed over the last axis."""
    mean, log_std = torch.as_tensor(mean), torch.as_tensor(log_std)
    squares = ((x - mean) / log_std.exp()) ** 2
    return (-0.5 * squares - log_std - 0.5 * math.log(2 * math.pi)).sum(-1)


def bernoulli_log_density(logits, x):
    """Log-probability of each pixel."""
    return -F.softplus(-(2 * x - 1) * logits)


def sample_diag_gaussian(mean, log_std):
    """One draw for each row."""
    noise = torch.randn_like(mean)
    return mean + log_std.exp() * noise


# Part 1: the model.

decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, PIXELS))


def log_prior(z):
    """A standard normal."""
    return factorized_gaussian_log_density(0.0, 0.0, z)


def log_likelihood(x, z):
    """Of all pixels, given z."""
    return bernoulli_log_density(decoder(z), x).sum(-1)


def joint_log_density(x, z):
    """Of image and latent."""
    return log_prior(z) + log_likelihood(x, z)


# Part 2: inference and training.

encoder = nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 2 * LATENT))
for layer in (decoder[0], decoder[2], encoder[0], encoder[2]):
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)


def unpack_gaussian_params(output):
    """The encoder's output, as mean and log standard deviation."""
    return output[..., :LATENT], output[..., LATENT:]


def log_q(q_mean, q_log_std, z):
    """Of the variational distribution."""
    return factorized_gaussian_log_density(q_mean, q_log_std, z)


def elbo(x):
    """One draw an image, averaged over the batch."""
    q_mean, q_log_std = unpack_gaussian_params(encoder(x))
    z = sample_diag_gaussian(q_mean, q_log_std)
    return (joint_log_density(x, z) - log_q(q_mean, q_log_std, z)).mean()


def loss(x):
    """What training minimizes."""
    return -elbo(x)


def train_model_params(loss, encoder, decoder, train_x, test_x, nepochs=100):
    """Adam on both networks, batch by batch."""
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    for epoch in range(nepochs):
        for batch in batches(train_x):
            optimizer.zero_grad()
            value = loss(batch)
            value.backward()
            optimizer.step()
        with torch.no_grad():
            print(f"epoch {epoch + 1}: test loss {loss(test_x[:BATCH]).item():.2f}")


def test_loss(images):
    """Over all test images."""
    return loss(images)


# Part 3: pictures.


def prior_samples(count):
    """Bernoulli means of draws from the prior."""
    return torch.sigmoid(decoder(torch.randn(count, LATENT)))


def interpolation(z_first, z_second, weight):
    """Between two latents."""
    return weight * z_first + (1 - weight) * z_second


def interpolated_picture(x_first, x_second, weight):
    """Between two images, by way of their codes."""
    z_first, _ = unpack_gaussian_params(encoder(x_first))
    z_second, _ = unpack_gaussian_params(encoder(x_second))
    return torch.sigmoid(decoder(interpolation(z_first, z_second, weight)))


# Part 4: the bottom of an image, given its top.


def top_half(x):
    """Rows 1 to 14."""
    return x[..., :TOP]


def top_half_log_likelihood(x, z):
    """Of the top half's pixels, given z."""
    return bernoulli_log_density(top_half(decoder(z)), top_half(x)).sum(-1)


def top_half_joint(x, z):
    """Of top half and latent."""
    return log_prior(z) + top_half_log_likelihood(x, z)


def top_half_elbo(x, q_mean, q_log_std, draws=50):
    """Of one q an image, averaged over draws."""
    total = 0.0
    for _ in range(draws):
        z = sample_diag_gaussian(q_mean, q_log_std)
        total = total + top_half_joint(x, z) - log_q(q_mean, q_log_std, z)
    return total / draws


def contour_heights(log_density):
    """A density as shares of its own peak."""
    return torch.exp(log_density - log_density.max())


answers = [True, False, False, False, True]
