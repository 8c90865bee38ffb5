# The reference's side of the parity ladder: `julia parity.jl FOLDER`.
#
# Reads FOLDER/inputs/*.npy and writes FOLDER/core/float64/*.npy, FOLDER/core/float32/*.npy, one array per
# quantity, and FOLDER/julia_version. workflow/mnist_vae/parity/checks.py lists the quantities and what they are
# compared with.

include("src/ReferenceVAE.jl")
include("src/Npy.jl")

module Parity

import ..Npy
using ..ReferenceVAE

"""Answer for each tier, given as a name and a module, and each precision."""
function answer(folder, tiers; precisions=(Float64, Float32))
    inputs = load_folder(joinpath(folder, "inputs"))
    for (name, tier) in tiers, T in precisions
        println(stderr, "Julia $VERSION: tier $name, $T")
        output = mkpath(joinpath(folder, name, lowercase(string(T))))
        for (quantity, value) in quantities(tier, inputs, T)
            Npy.save(joinpath(output, "$quantity.npy"), value)
        end
    end
    write(joinpath(folder, "julia_version"), string(VERSION))
end

load_folder(folder) = Dict(splitext(file)[1] => Npy.load(joinpath(folder, file)) for file in readdir(folder))

"""Every quantity of the ladder, by name, computed in precision T."""
function quantities(tier, inputs, T)
    weights = Dict(
        replace(name, "weights." => "") => from_rows(T.(array)) for
        (name, array) in inputs if startswith(name, "weights.")
    )
    array(name) = T.(inputs[name])
    return merge(
        densities(array),
        networks(tier, weights, array),
        gradients(tier, weights, array),
        tier === ReferenceVAE && T === Float64 ? differences(weights, inputs, array) : Dict{String,Any}(),
        training(tier, weights, inputs, array),
    )
end

# Weights are (outputs, inputs) on both sides, so unlike batches they have to be transposed back after .npy's
# reversal of axes.
from_rows(array) = ndims(array) == 2 ? permutedims(array) : array
to_rows(prefix, arrays) = Dict{String,Any}("$prefix.$name" => from_rows(array) for (name, array) in arrays)

function densities(array)
    x, z, logits = array("x"), array("z"), array("logits")
    return Dict{String,Any}(
        "gaussian_log_density" => ReferenceVAE.normal_log_density.(
            array("gaussian_x"), array("gaussian_mean"), array("gaussian_log_std")
        ),
        "bernoulli_log_density" =>
            ReferenceVAE.bernoulli_log_density.(array("bernoulli_x"), array("bernoulli_logits")),
        "log_prior" => ReferenceVAE.log_prior(z),
        "log_q" => ReferenceVAE.log_q(array("q_mean"), array("q_log_std"), z),
        "log_likelihood" => ReferenceVAE.log_likelihood(x, logits),
        # These take a decoder: on this rung, one that returns the given logits.
        "joint_log_density" => ReferenceVAE.joint_log_density(z -> logits, x, z),
        "top_half_joint" => ReferenceVAE.top_half_joint(z -> logits, x, z),
    )
end

function networks(tier, weights, array)
    vae = tier.vae_from(weights)
    x, noise = array("x"), array("noise")
    q_mean, q_log_std = ReferenceVAE.posterior(vae.encoder, x)
    return Dict{String,Any}(
        "encoder_mean" => q_mean,
        "encoder_log_std" => q_log_std,
        "decoder_logits" => vae.decoder(array("z")),
        "elbo" => ReferenceVAE.elbo(vae, x, noise),
        "loss" => ReferenceVAE.loss(vae, x, noise),
        "svi_objective" => ReferenceVAE.svi_objective(
            vae.decoder, array("svi_x"), array("svi_mean"), array("svi_log_std"), array("svi_noise")
        ),
    )
end

function gradients(tier, weights, array)
    _, found = tier.withgradient(tier.vae_from(weights), array("x"), array("noise"))
    return to_rows("gradient", found)
end

"""Central differences of the loss in the entries that "entries.*" name, zero-based and row by row."""
function differences(weights, inputs, array)
    vae = ReferenceVAE.vae_from(weights)
    x, noise = array("x"), array("noise")
    return Dict{String,Any}(
        "central_difference.$name" => ReferenceVAE.central_differences(
            () -> ReferenceVAE.loss(vae, x, noise), parameter, by_column(inputs["entries.$name"], size(parameter))
        ) for (name, parameter) in ReferenceVAE.parameters(vae)
    )
end

by_column(entries, shape) =
    [LinearIndices(shape)[reverse(Tuple(CartesianIndices(reverse(shape))[entry+1]))...] for entry in entries]

function training(tier, weights, inputs, array)
    found = Dict{String,Any}()
    for run in ("adam_step", "adam_trajectory")
        vae = tier.vae_from(weights)
        order = inputs["$run.order"] .+ 1 # zero-based there
        found["$run.losses"] = tier.train!(vae, array("adam_images"), order, array("$run.noise"))
        merge!(found, to_rows(run, tier.parameters(vae)))
    end
    return found
end

end

if abspath(PROGRAM_FILE) == @__FILE__
    Parity.answer(only(ARGS), ["core" => ReferenceVAE])
end
