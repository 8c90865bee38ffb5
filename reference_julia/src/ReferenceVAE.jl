"""
The variational autoencoder of docs/model.md, parts 1, 2 and 4, in Julia's standard library alone (1.5 and newer).

Arrays are (features, batch); log-densities and bounds are in nats. A network is anything that can be called
on a matrix, so the same densities and bounds serve this module's networks and Flux's. The module is the
ladder's *core* tier; `FluxVAE` is its other one, and offers the same four functions: `vae_from`,
`parameters`, `withgradient` and `train!`.
"""
module ReferenceVAE

using Statistics: mean

include("densities.jl")
include("networks.jl")
include("objective.jl")
include("gradient.jl")
include("training.jl")

end
