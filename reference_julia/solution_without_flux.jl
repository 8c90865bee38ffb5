# The assignment's variational autoencoder, function by function, in Julia's standard library (1.5 or newer): images
# (784, batch), latents (2, batch). The gradient is derived by hand.
#
# `mnist-vae check reference_julia/solution_without_flux.jl` judges it like any other solution. It uses nothing else
# of this folder.

using Random: shuffle
using Statistics: mean

const Dz, Dh, Ddata, M = 2, 500, 784, 100
const TOP = Ddata ÷ 2

# Given with the assignment.

binarize(grey) = float.(grey .> 0.5)

"""Every image once, in random order; the last batch may be smaller."""
function batch_x(images, size=M)
    order = shuffle(axes(images, 2))
    return [images[:, part] for part in Iterators.partition(order, size)]
end

"""The picture of an image, row by row."""
mnist_img(image) = permutedims(reshape(image, 28, 28))

function factorized_gaussian_log_density(mean, log_std, x)
    squares = ((x .- mean) ./ exp.(log_std)) .^ 2
    return sum(-0.5 .* squares .- log_std .- 0.5 * log(2π), dims=1)
end

"""Log-probability of each pixel; no exponential overflows."""
function bernoulli_log_density(logits, x)
    t = (2 .* x .- 1) .* logits
    return min.(t, 0) .- log1p.(exp.(-abs.(t)))
end

function sample_diag_gaussian(mean, log_std)
    noise = randn(size(mean))
    return mean .+ exp.(log_std) .* noise
end

# Part 1: the model.

glorot(outputs, inputs) = (2 .* rand(outputs, inputs) .- 1) .* sqrt(6 / (outputs + inputs))

"""An affine map, tanh, and an affine map."""
struct Perceptron
    W::Matrix{Float64}
    b::Vector{Float64}
    V::Matrix{Float64}
    c::Vector{Float64}
end

Perceptron(inputs, hidden, outputs) =
    Perceptron(glorot(hidden, inputs), zeros(hidden), glorot(outputs, hidden), zeros(outputs))

(net::Perceptron)(x) = net.V * tanh.(net.W * x .+ net.b) .+ net.c

decoder = Perceptron(Dz, Dh, Ddata)

log_prior(z) = factorized_gaussian_log_density(0, zeros(Dz), z)

log_likelihood(x, z) = sum(bernoulli_log_density(decoder(z), x), dims=1)

joint_log_density(x, z) = log_prior(z) .+ log_likelihood(x, z)

# Part 2: inference and training.

unpack_gaussian_params(output) = output[1:Dz, :], output[Dz+1:end, :]

encoder = Perceptron(Ddata, Dh, 2Dz)

log_q(q_mean, q_log_std, z) = factorized_gaussian_log_density(q_mean, q_log_std, z)

function elbo(x)
    q_mean, q_log_std = unpack_gaussian_params(encoder(x))
    z = sample_diag_gaussian(q_mean, q_log_std)
    return mean(joint_log_density(x, z) .- log_q(q_mean, q_log_std, z))
end

loss(x) = -elbo(x)

logistic(t) = 1 / (1 + exp(-t))

"""Gradients of a perceptron's four arrays, and of its input, given that of its output."""
function backward(net, x, d)
    hidden = tanh.(net.W * x .+ net.b)
    d_hidden = (net.V' * d) .* (1 .- hidden .^ 2)
    return (d_hidden * x', vec(sum(d_hidden, dims=2)), d * hidden', vec(sum(d, dims=2))), net.W' * d_hidden
end

"""Gradients of the loss in the encoder's and the decoder's arrays, at fresh noise."""
function loss_gradients(encoder, decoder, x)
    q_mean, q_log_std = unpack_gaussian_params(encoder(x))
    noise = randn(size(q_mean))
    z = q_mean .+ exp.(q_log_std) .* noise
    share = 1 / size(x, 2)
    of_decoder, d_z = backward(decoder, z, share .* (logistic.(decoder(z)) .- x))
    d_z = d_z .+ share .* z # the prior's part; log q(z) depends on log_std alone
    of_encoder, _ = backward(encoder, x, vcat(d_z, d_z .* exp.(q_log_std) .* noise .- share))
    return (of_encoder..., of_decoder...)
end

arrays(net) = (net.W, net.b, net.V, net.c)

"""Adam on both networks, batch by batch."""
function train_model_params!(loss, encoder, decoder, train_x, test_x; nepochs=100)
    parameters = (arrays(encoder)..., arrays(decoder)...)
    firsts, seconds = map(zero, parameters), map(zero, parameters)
    step = 0
    for epoch in 1:nepochs
        total = 0.0
        for batch in batch_x(train_x)
            step += 1
            total += loss(batch) * size(batch, 2)
            gradients = loss_gradients(encoder, decoder, batch)
            for (parameter, gradient, first, second) in zip(parameters, gradients, firsts, seconds)
                first .= 0.9 .* first .+ 0.1 .* gradient
                second .= 0.999 .* second .+ 0.001 .* gradient .^ 2
                parameter .-= 1e-3 .* (first ./ (1 - 0.9^step)) ./ (sqrt.(second ./ (1 - 0.999^step)) .+ 1e-8)
            end
        end
        println("epoch $epoch: loss ", total / size(train_x, 2), ", of the test ", loss(test_x[:, 1:min(M, end)]))
    end
end

test_loss(images) = loss(images)

# Part 3: pictures.

prior_samples(count) = logistic.(decoder(randn(Dz, count)))

interpolation(z_first, z_second, weight) = weight .* z_first .+ (1 - weight) .* z_second

function interpolated_picture(x_first, x_second, weight)
    z_first, _ = unpack_gaussian_params(encoder(x_first))
    z_second, _ = unpack_gaussian_params(encoder(x_second))
    return logistic.(decoder(interpolation(z_first, z_second, weight)))
end

# Part 4: the bottom of an image, given its top.

top_half(x) = x[1:TOP, :]

top_half_log_likelihood(x, z) = sum(bernoulli_log_density(top_half(decoder(z)), top_half(x)), dims=1)

top_half_joint(x, z) = log_prior(z) .+ top_half_log_likelihood(x, z)

function top_half_elbo(x, q_mean, q_log_std, draws=50)
    total = 0.0
    for _ in 1:draws
        z = sample_diag_gaussian(q_mean, q_log_std)
        total = total .+ top_half_joint(x, z) .- log_q(q_mean, q_log_std, z)
    end
    return total ./ draws
end

contour_heights(log_density) = exp.(log_density .- maximum(log_density))

answers = [true, false, false, false, true]
