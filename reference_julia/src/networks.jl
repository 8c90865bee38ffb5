# The two networks, each an affine map, tanh, and an affine map.

"""x to activation.(weight * x .+ bias); weight is (outputs, inputs)."""
struct Layer{W<:AbstractMatrix,B<:AbstractVector,F}
    weight::W
    bias::B
    activation::F
end

(layer::Layer)(x) = layer.activation.(layer.weight * x .+ layer.bias)

"""A multilayer perceptron with one hidden layer."""
struct Network{H<:Layer,O<:Layer}
    hidden::H
    output::O
end

(network::Network)(x) = network.output(network.hidden(x))

"""Encoder and decoder, from weights by name, "encoder.hidden.weight" ...; in the study 784 to 500 to 4, and 2 to 500 to 784."""
function vae_from(weights)
    layer(name, activation) = Layer(copy(weights["$name.weight"]), copy(weights["$name.bias"]), activation)
    network(name) = Network(layer("$name.hidden", tanh), layer("$name.output", identity))
    return (encoder=network("encoder"), decoder=network("decoder"))
end

"""The eight parameter arrays by name; they are the networks' own, not copies."""
parameters(vae) = Dict(
    "$network.$layer.$array" => getfield(getfield(getfield(vae, network), layer), array)
    for network in (:encoder, :decoder), layer in (:hidden, :output), array in (:weight, :bias)
)
