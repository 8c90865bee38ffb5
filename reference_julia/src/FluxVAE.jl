"""
The autoencoder as in the original: Flux networks, gradients by Zygote, Flux's Adam.

Densities and bounds are `ReferenceVAE`'s. Needs Flux, as Project.toml says, and so Julia 1.10 or newer.
"""
module FluxVAE

using Flux: Flux, Adam, Chain, Dense
using Statistics: mean
using ..ReferenceVAE: loss

"""Networks with Flux's own initialization: Glorot-uniform weights, zero biases."""
new_vae() = (
    encoder=Chain(Dense(784 => 500, tanh), Dense(500 => 4)), decoder=Chain(Dense(2 => 500, tanh), Dense(500 => 784))
)

"""The networks, from weights by name: "encoder.hidden.weight" ..."""
function vae_from(weights)
    layer(name, activation) = Dense(copy(weights["$name.weight"]), copy(weights["$name.bias"]), activation)
    network(name) = Chain(layer("$name.hidden", tanh), layer("$name.output", identity))
    return (encoder=network("encoder"), decoder=network("decoder"))
end

"""The eight parameter arrays of the networks, or of their gradient, by name."""
parameters(vae) = Dict(
    "$network.$layer.$array" => getproperty(getproperty(vae, network).layers[position], array)
    for network in (:encoder, :decoder),
    (position, layer) in enumerate((:hidden, :output)),
    array in (:weight, :bias)
)

"""The loss and its gradient in every parameter, by name: images (784, batch), noise (2, batch)."""
function withgradient(vae, x, noise)
    value, gradients = Flux.withgradient(vae -> loss(vae, x, noise), vae)
    return value, parameters(gradients[1])
end

"""Adam's state for these networks, with the reference's settings."""
setup(vae) = Flux.setup(Adam(1e-3, (0.9, 0.999), 1e-8), vae)

"""Take one step of Adam in place on images (784, batch) at noise (2, batch); return the loss before it."""
function step!(state, vae, x, noise)
    value, gradients = Flux.withgradient(vae -> loss(vae, x, noise), vae)
    Flux.update!(state, vae, gradients[1])
    return value
end

"""
Train in place, and return each epoch's mean loss.

`order` (batch size, batches, epochs) says which columns of `images` (784, n) make each batch; `noise` is
(2, batch size, batches, epochs).
"""
function train!(vae, images, order, noise)
    state = setup(vae)
    return map(axes(order, 3)) do epoch
        mean(
            step!(state, vae, images[:, order[:, batch, epoch]], noise[:, :, batch, epoch]) for
            batch in axes(order, 2)
        )
    end
end

end
