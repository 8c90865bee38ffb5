# Log-densities (docs/model.md, parts 1 and 2).

const TOP_HALF = 392 # raster order: entries 1 to 392 are the upper 14 rows

"""Log N(x; mean, exp(log_std)^2), of numbers."""
normal_log_density(x, mean, log_std) = -((x - mean) / exp(log_std))^2 / 2 - log_std - log(2 * oftype(x, π)) / 2

"""Log N(x; 0, 1)."""
normal_log_density(x) = normal_log_density(x, zero(x), zero(x))

"""
Log Bernoulli(x; logistic(logit)), of numbers, x being 0 or 1: the log of logistic(±logit).

Neither branch takes an exponential that could overflow, and each is smooth through 0, as derivatives need.
"""
function bernoulli_log_density(x, logit)
    t = (2x - 1) * logit
    return t >= 0 ? -log1p(exp(-t)) : t - log1p(exp(t))
end

"""Log N(z; 0, I) of each column: (2, batch) to (batch,)."""
log_prior(z) = sum_features(normal_log_density.(z))

"""Log-density at z of the factorized Gaussian q, of each column: (2, batch) each to (batch,)."""
log_q(mean, log_std, z) = sum_features(normal_log_density.(z, mean, log_std))

"""Log p(x | z), given the decoder's logits, of each column: (pixels, batch) each to (batch,)."""
log_likelihood(x, logits) = sum_features(bernoulli_log_density.(x, logits))

"""The upper 14 rows of images, or of their logits: (784, batch) to (392, batch)."""
top_half(x) = x[1:TOP_HALF, :]

sum_features(densities) = vec(sum(densities, dims=1))

"""Log p(x, z): images (784, batch), latents (2, batch) to (batch,)."""
joint_log_density(decoder, x, z) = log_prior(z) .+ log_likelihood(x, decoder(z))

"""Log p(top half of x, z): images (784, batch), latents (2, batch) to (batch,)."""
top_half_joint(decoder, x, z) = log_prior(z) .+ log_likelihood(top_half(x), top_half(decoder(z)))
