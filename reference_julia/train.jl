# The assignment's training in Flux, on the first n images (default 1000), for a number of epochs (default 100):
#
#   MNIST_DIR=... julia --project=reference_julia reference_julia/train.jl [n] [epochs]
#
# Prints the loss as it falls and, at the end, what the original printed, the loss of one draw on the first 100 test
# images, and the loss on all test images.

using Random: shuffle

include("src/ReferenceVAE.jl")
include("src/FluxVAE.jl")
include("src/mnist.jl")

const BATCH_SIZE = 100

function main(n, epochs)
    folder = get(ENV, "MNIST_DIR", joinpath(@__DIR__, "..", "resources", "mnist"))
    images = binarized_images(joinpath(folder, "train-images-idx3-ubyte"))[:, 1:n]
    test_images = binarized_images(joinpath(folder, "t10k-images-idx3-ubyte"))
    noise(x) = randn(Float32, 2, size(x, 2))

    vae = FluxVAE.new_vae()
    state = FluxVAE.setup(vae)
    for epoch in 1:epochs
        for indices in Iterators.partition(shuffle(1:n), BATCH_SIZE)
            x = images[:, indices]
            FluxVAE.step!(state, vae, x, noise(x))
        end
        if epoch % max(1, epochs ÷ 10) == 0
            println("epoch $epoch: test loss ", ReferenceVAE.loss(vae, test_images, noise(test_images)))
        end
    end
    first_100 = test_images[:, 1:100]
    println("first 100 test images, one draw: ", ReferenceVAE.loss(vae, first_100, noise(first_100)))
    println("all test images, one draw: ", ReferenceVAE.loss(vae, test_images, noise(test_images)))
end

main(parse(Int, get(ARGS, 1, "1000")), parse(Int, get(ARGS, 2, "100")))
