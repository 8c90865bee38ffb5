# The assignment's variational autoencoder, function by function, with Flux's Chain and Dense: images (784, batch),
# latents (2, batch). Needs Flux 0.16 (Project.toml), and so Julia 1.10 or newer.
#
# `mnist-vae check reference_julia/solution.jl` judges it like any other solution. It uses nothing else of this folder.
# Functions that read a network also take it as their last argument, since Flux needs to see what it differentiates.

using Flux: Flux, Adam, Chain, Dense, sigmoid, softplus
using Random: shuffle
using Statistics: mean

const Dz, Dh, Ddata, M = 2, 500, 784, 100
const TOP = Ddata ÷ 2

# Given with the assignment.

binarize(grey) = Float32.(grey .> 0.5f0)

"""Every image once, in random order; the last batch may be smaller."""
function batch_x(images, size=M)
    order = shuffle(axes(images, 2))
    return [images[:, part] for part in Iterators.partition(order, size)]
end

"""The picture of an image, row by row."""
mnist_img(image) = permutedims(reshape(image, 28, 28))

function factorized_gaussian_log_density(mean, log_std, x)
    squares = ((x .- mean) ./ exp.(log_std)) .^ 2
    return sum(-squares ./ 2 .- log_std .- log(2 * oftype(first(x), π)) / 2, dims=1)
end

"""Log-probability of each pixel."""
bernoulli_log_density(logits, x) = -softplus.((1 .- 2 .* x) .* logits)

function sample_diag_gaussian(mean, log_std)
    noise = randn(eltype(mean), size(mean))
    return mean .+ exp.(log_std) .* noise
end

# Part 1: the model.

decoder = Chain(Dense(Dz => Dh, tanh), Dense(Dh => Ddata))

log_prior(z) = factorized_gaussian_log_density(zero(z), zero(z), z)

log_likelihood(x, z, decode=decoder) = sum(bernoulli_log_density(decode(z), x), dims=1)

joint_log_density(x, z, decode=decoder) = log_prior(z) .+ log_likelihood(x, z, decode)

# Part 2: inference and training.

unpack_gaussian_params(output) = (output[1:Dz, :], output[Dz+1:end, :])

encoder = Chain(Dense(Ddata => Dh, tanh), Dense(Dh => 2Dz), unpack_gaussian_params)

log_q(q_mean, q_log_std, z) = factorized_gaussian_log_density(q_mean, q_log_std, z)

function elbo(x, encode=encoder, decode=decoder)
    q_mean, q_log_std = encode(x)
    z = sample_diag_gaussian(q_mean, q_log_std)
    return mean(joint_log_density(x, z, decode) .- log_q(q_mean, q_log_std, z))
end

loss(x, networks...) = -elbo(x, networks...)

"""Adam on both networks, batch by batch."""
function train_model_params!(loss, encoder, decoder, train_x, test_x; nepochs=100)
    networks = (encoder, decoder)
    state = Flux.setup(Adam(1e-3), networks)
    for epoch in 1:nepochs
        for batch in batch_x(train_x)
            gradient = Flux.gradient(networks -> loss(batch, networks...), networks)[1]
            Flux.update!(state, networks, gradient)
        end
        println("epoch $epoch: test loss ", loss(test_x[:, 1:min(M, end)], networks...))
    end
end

test_loss(images) = loss(images)

# Part 3: pictures.

prior_samples(count) = sigmoid.(decoder(randn(Float32, Dz, count)))

interpolation(z_first, z_second, weight) = weight .* z_first .+ (1 - weight) .* z_second

function interpolated_picture(x_first, x_second, weight)
    z_first, _ = encoder(x_first)
    z_second, _ = encoder(x_second)
    return sigmoid.(decoder(interpolation(z_first, z_second, weight)))
end

# Part 4: the bottom of an image, given its top.

top_half(x) = x[1:TOP, :]

top_half_log_likelihood(x, z) = sum(bernoulli_log_density(top_half(decoder(z)), top_half(x)), dims=1)

top_half_joint(x, z) = log_prior(z) .+ top_half_log_likelihood(x, z)

"""The ELBO of `top_half_joint` under one q per image, averaged over draws."""
top_half_elbo(x, q_mean, q_log_std, draws=50) = mean(1:draws) do _
    z = sample_diag_gaussian(q_mean, q_log_std)
    top_half_joint(x, z) .- log_q(q_mean, q_log_std, z)
end

contour_heights(log_density) = exp.(log_density .- maximum(log_density))

answers = [true, false, false, false, true]
