# The gradient of the loss, derived by hand, and by central differences, which check it.

logistic(t) = t >= 0 ? 1 / (1 + exp(-t)) : exp(t) / (1 + exp(t))

"""
The loss and its gradient in every parameter, by name: images (784, batch), noise (2, batch).

Backward through the ELBO of one draw per image. With z = mean + std * noise, log q(z) is
-noise^2 / 2 - log_std + constant: it depends on the parameters through log_std alone.
"""
function withgradient(vae, x, noise)
    encoder, decoder = vae.encoder, vae.decoder
    encoder_hidden = encoder.hidden(x)
    q_mean, q_log_std = halves(encoder.output(encoder_hidden))
    z = reparameterize(q_mean, q_log_std, noise)
    decoder_hidden = decoder.hidden(z)
    logits = decoder.output(decoder_hidden)
    value = -mean(log_prior(z) .+ log_likelihood(x, logits) .- log_q(q_mean, q_log_std, z))

    share = 1 / oftype(value, size(x, 2)) # of each image in the batch's mean
    gradients = Dict{String,Array}()

    d_logits = share .* (logistic.(logits) .- x)
    d_hidden = backward!(gradients, "decoder.output", decoder.output, decoder_hidden, d_logits)
    d_z = backward!(gradients, "decoder.hidden", decoder.hidden, z, d_hidden .* (1 .- decoder_hidden .^ 2))
    d_z += share .* z # the prior's part
    d_output = vcat(d_z, d_z .* exp.(q_log_std) .* noise .- share)
    d_hidden = backward!(gradients, "encoder.output", encoder.output, encoder_hidden, d_output)
    backward!(gradients, "encoder.hidden", encoder.hidden, x, d_hidden .* (1 .- encoder_hidden .^ 2))
    return value, gradients
end

"""
Store the gradients of a layer's weight and bias, and return that of its input, given `d`, the one of
weight * input .+ bias.
"""
function backward!(gradients, name, layer, input, d)
    gradients["$name.weight"] = d * input'
    gradients["$name.bias"] = vec(sum(d, dims=2))
    return layer.weight' * d
end

"""
Central differences of f() in the given (linear) entries of an array that f reads. The array is
left as it was.

The step balances the rounding of f, about 1e-16 |f| / step, with the truncation, about step^2 |f'''| / 6.
"""
function central_differences(f, array, entries; step=1e-4)
    return map(entries) do entry
        before = array[entry]
        array[entry] = before + step
        above = f()
        array[entry] = before - step
        below = f()
        array[entry] = before
        (above - below) / 2step
    end
end
