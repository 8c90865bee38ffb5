# The reference's side of the parity ladder, as parity.jl, for both tiers. Needs Flux.

include("parity.jl")
include("src/FluxVAE.jl")

answer_both_tiers(folder) = Parity.answer(folder, ["core" => ReferenceVAE, "flux" => FluxVAE])

if abspath(PROGRAM_FILE) == @__FILE__
    answer_both_tiers(only(ARGS))
end
