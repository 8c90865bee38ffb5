# Training by Adam (Kingma & Ba 2015, algorithm 1), with the reference's settings.

struct Adam
    rate::Float64
    decays::Tuple{Float64,Float64}
    epsilon::Float64
end

Adam() = Adam(1e-3, (0.9, 0.999), 1e-8)

"""One array's running means of the gradient and of its square."""
struct Moments{A<:AbstractArray}
    first::A
    second::A
end

Moments(parameter) = Moments(zero(parameter), zero(parameter))

"""Take step number `step`, counted from 1, of one parameter array, in place."""
function update!(adam::Adam, moments, parameter, gradient, step)
    decay1, decay2 = adam.decays
    @. moments.first = decay1 * moments.first + (1 - decay1) * gradient
    @. moments.second = decay2 * moments.second + (1 - decay2) * gradient^2
    correction1, correction2 = 1 - decay1^step, 1 - decay2^step
    @. parameter -= adam.rate * (moments.first / correction1) / (sqrt(moments.second / correction2) + adam.epsilon)
    return parameter
end

"""
Train in place, and return each epoch's mean loss.

The randomness comes from outside: `order` (batch size, batches, epochs) says which columns of `images`
(784, n) make each batch, `noise` is (2, batch size, batches, epochs).
"""
function train!(vae, images, order, noise)
    adam = Adam()
    arrays = parameters(vae)
    moments = Dict(name => Moments(array) for (name, array) in arrays)
    step = 0
    return map(axes(order, 3)) do epoch
        losses = map(axes(order, 2)) do batch
            step += 1
            value, gradients = withgradient(vae, images[:, order[:, batch, epoch]], noise[:, :, batch, epoch])
            for (name, array) in arrays
                update!(adam, moments[name], array, gradients[name], step)
            end
            value
        end
        mean(losses)
    end
end
