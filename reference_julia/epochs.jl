# Trains one epoch per line of input and prints its number of steps, for the benchmarks:
#
#   julia --project=reference_julia reference_julia/epochs.jl images.npy
#
# images.npy is float32 (n, 784). Uses Flux if it is installed, else the gradient derived by hand; the first line
# of output says which.

using Random: shuffle

include("src/ReferenceVAE.jl")
include("src/Npy.jl")

const BATCH_SIZE = 100
const WITH_FLUX = Base.find_package("Flux") !== nothing
WITH_FLUX && include("src/FluxVAE.jl")

glorot(inputs, outputs) = (2rand(Float32, outputs, inputs) .- 1) .* sqrt(6.0f0 / (inputs + outputs))

const SIZES = Dict(
    "encoder.hidden" => (784, 500), "encoder.output" => (500, 4), "decoder.hidden" => (2, 500), "decoder.output" => (500, 784)
)
new_weights() = Dict{String,Array{Float32}}(
    [["$layer.weight" => glorot(size...) for (layer, size) in SIZES]; ["$layer.bias" => zeros(Float32, size[2]) for (layer, size) in SIZES]]
)

function main(path)
    images = Npy.load(path)
    steps = size(images, 2) ÷ BATCH_SIZE
    tier = WITH_FLUX ? FluxVAE : ReferenceVAE
    vae = tier.vae_from(new_weights())
    println("Julia $VERSION, ", WITH_FLUX ? "Flux" : "its gradient by hand")
    for _ in eachline(stdin)
        order = reshape(shuffle(axes(images, 2))[1:steps * BATCH_SIZE], BATCH_SIZE, steps, 1)
        tier.train!(vae, images, order, randn(Float32, 2, BATCH_SIZE, steps, 1))
        println(steps)
    end
end

main(ARGS[1])
