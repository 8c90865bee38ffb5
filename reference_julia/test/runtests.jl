# `julia reference_julia/test/runtests.jl` for the core; with --project=reference_julia the Flux tier as well.

using LinearAlgebra: norm
using Random: MersenneTwister
using Statistics: mean
using Test

include("../parity.jl")
include("../src/mnist.jl")

const R = ReferenceVAE
const random = MersenneTwister(0)

"""Weights of the study's shapes, uniform in a Glorot-like range."""
function random_weights()
    weight(outputs, inputs) = (2 .* rand(random, outputs, inputs) .- 1) .* sqrt(6 / (outputs + inputs))
    shapes = (
        "encoder.hidden" => (500, 784),
        "encoder.output" => (4, 500),
        "decoder.hidden" => (500, 2),
        "decoder.output" => (784, 500),
    )
    weights = Dict{String,Array{Float64}}()
    for (name, shape) in shapes
        weights["$name.weight"] = weight(shape...)
        weights["$name.bias"] = 0.1 .* randn(random, shape[1])
    end
    return weights
end

const weights = random_weights()
const x = Float64.(rand(random, 784, 7) .< 0.3)
const noise = randn(random, 2, 7)

@testset "densities" begin
    # Values known in closed form.
    @test R.normal_log_density(0.0, 0.0, 0.0) ≈ -log(sqrt(2π))
    @test R.normal_log_density(3.0, 1.0, log(2.0)) ≈ -log(sqrt(2π)) - log(2) - 1 / 2
    @test R.normal_log_density(1e-5, 0.0, -10.0) > 0 # a density may exceed 1
    @test R.bernoulli_log_density(1.0, 0.0) ≈ log(0.5)
    @test R.bernoulli_log_density(0.0, log(3.0)) ≈ log(0.25)
    @test R.bernoulli_log_density(1.0, -500.0) == -500
    @test R.bernoulli_log_density(0.0, -500.0) ≈ -exp(-500.0) rtol = 1e-12
    # A density integrates to 1, probabilities sum to 1.
    grid = -12:0.01:12
    @test sum(exp.(R.normal_log_density.(grid, 0.7, -0.4))) * 0.01 ≈ 1
    @test all(l -> exp(R.bernoulli_log_density(0.0, l)) + exp(R.bernoulli_log_density(1.0, l)) ≈ 1, -40:0.5:40)
    for T in (Float32, Float64)
        @test R.normal_log_density(T(1), T(2), T(3)) isa T
        @test R.bernoulli_log_density(T(1), T(-2)) isa T
        @test eltype(R.log_prior(ones(T, 2, 3))) == T
    end
end

@testset "shapes, and the top half" begin
    z = randn(random, 2, 7)
    logits = randn(random, 784, 7)
    @test size(R.log_prior(z)) == size(R.log_likelihood(x, logits)) == (7,)
    raster = repeat(1:784, 1, 2)
    @test R.top_half(raster) == raster[1:392, :]
    # Rows are 28 pixels long: the last entry of the top half ends row 14.
    @test R.top_half(raster)[end] == 14 * 28
    changed = copy(x)
    changed[393:end, :] = 1 .- changed[393:end, :]
    decoder = R.vae_from(weights).decoder
    @test R.top_half_joint(decoder, x, z) == R.top_half_joint(decoder, changed, z)
    @test R.joint_log_density(decoder, x, z) != R.joint_log_density(decoder, changed, z)
end

@testset "gradient" begin
    vae = R.vae_from(weights)
    value, gradients = R.withgradient(vae, x, noise)
    @test value ≈ R.loss(vae, x, noise) rtol = 1e-14
    for (name, array) in R.parameters(vae)
        @test size(gradients[name]) == size(array)
        entries = [argmax(abs.(vec(gradients[name]))); rand(random, eachindex(array), 5)]
        differences = R.central_differences(() -> R.loss(vae, x, noise), array, entries)
        @test gradients[name][entries] ≈ differences rtol = 1e-6
        @test array == weights[name]
    end
end

@testset "Adam" begin
    # Its first step is the rate, whatever the gradient's size, as long as epsilon is small beside it.
    parameter = zeros(3)
    adam = R.Adam()
    R.update!(adam, R.Moments(parameter), parameter, [1e-3, -5.0, 0.0], 1)
    @test parameter ≈ [-1e-3 / (1 + 1e-8 / 1e-3), 1e-3 / (1 + 1e-8 / 5), 0.0] rtol = 1e-12
    # A constant gradient keeps both means, corrected, where they are.
    moments, parameter = R.Moments(zeros(1)), zeros(1)
    foreach(step -> R.update!(adam, moments, parameter, [0.25], step), 1:50)
    @test parameter ≈ [-50e-3 / (1 + 1e-8 / 0.25)] rtol = 1e-10
end

@testset "training" begin
    vae = R.vae_from(weights)
    order = cat(([1 2; 3 4] for _ in 1:30)..., dims=3)
    losses = R.train!(vae, x, order, randn(random, 2, 2, 2, 30))
    @test length(losses) == 30
    @test mean(losses[end-4:end]) < mean(losses[1:5]) - 50
end

@testset ".npy" begin
    mktempdir() do folder
        path = joinpath(folder, "array.npy")
        for array in (
            randn(random, 3),
            randn(random, Float32, 2, 3),
            rand(random, UInt8, 2, 3, 4),
            rand(random, Int64, 1, 1),
            fill(2.5),
        )
            Npy.save(path, array)
            @test Npy.load(path) == array
            @test eltype(Npy.load(path)) == eltype(array)
            @test mod(filesize(path) - sizeof(array), 64) == 0
        end
        write(path, "not an array at all")
        @test_throws ErrorException Npy.load(path)
    end
    # The third entry, row by row, of a (2, 2) array there is the second, column by column, here.
    @test Parity.by_column([0, 1, 2, 3], (2, 2)) == [1, 3, 2, 4]
end

@testset "IDX" begin
    mktempdir() do folder
        path = joinpath(folder, "images")
        pixels = UInt8[i == j ? 127 + k : 0 for i in 1:784, j in 1:784, k in 0:1][:, 1:3, 2]
        header = hton.(Int32[2051, 3, 28, 28])
        write(path, header, pixels)
        images = binarized_images(path)
        @test size(images) == (784, 3)
        @test findall(==(1), images) == CartesianIndex.([(1, 1), (2, 2), (3, 3)]) # 128 counts as ink
        write(path, header, pixels .- (pixels .> 0))
        @test all(iszero, binarized_images(path)) # 127 does not
        run(`gzip $path`)
        @test size(binarized_images(path)) == (784, 3)
        write(path, hton.(Int32[2049, 3, 28, 28]), pixels)
        @test_throws ErrorException binarized_images(path)
    end
end

if Base.find_package("Flux") === nothing
    @info "Flux is not installed here: its tier is not tested"
else
    include("../src/FluxVAE.jl")
    @testset "the Flux tier is the core" begin
        core, flux = R.vae_from(weights), FluxVAE.vae_from(weights)
        @test flux.decoder(noise) ≈ core.decoder(noise) rtol = 1e-12
        core_loss, core_gradients = R.withgradient(core, x, noise)
        flux_loss, flux_gradients = FluxVAE.withgradient(flux, x, noise)
        @test flux_loss ≈ core_loss rtol = 1e-12
        for name in keys(weights)
            @test norm(flux_gradients[name] - core_gradients[name]) <= 1e-10 * norm(core_gradients[name])
        end
        order, epochs_noise = cat(([1 2; 3 4] for _ in 1:5)..., dims=3), randn(random, 2, 2, 2, 5)
        @test FluxVAE.train!(flux, x, order, epochs_noise) ≈ R.train!(core, x, order, epochs_noise) rtol = 1e-9
    end
end
