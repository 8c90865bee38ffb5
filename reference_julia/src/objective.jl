# The evidence lower bound (docs/model.md, parts 2 and 4; Kingma & Welling 2014, section 2.3).

"""Mean and log standard deviation of q(z | x): images (784, batch) to (latents, batch) each."""
posterior(encoder, x) = halves(encoder(x))

"""The upper and the lower half of a matrix's rows: the encoder's output is mean above log standard deviation."""
function halves(output)
    latents = size(output, 1) ÷ 2
    return output[1:latents, :], output[latents+1:2latents, :]
end

"""The draw of z from q at standard normal noise."""
reparameterize(mean, log_std, noise) = mean .+ exp.(log_std) .* noise

"""The batch's mean ELBO with one draw per image: images (784, batch), noise (2, batch) to a number."""
function elbo(vae, x, noise)
    q_mean, q_log_std = posterior(vae.encoder, x)
    z = reparameterize(q_mean, q_log_std, noise)
    return mean(joint_log_density(vae.decoder, x, z) .- log_q(q_mean, q_log_std, z))
end

"""What training minimizes."""
loss(vae, x, noise) = -elbo(vae, x, noise)

"""
The objective of stochastic variational inference: the ELBO of `top_half_joint` under one q per image, averaged
over draws: images (784, images), q_mean and q_log_std (2, images), noise (2, images, draws) to (images,).
"""
function svi_objective(decoder, x, q_mean, q_log_std, noise)
    function one_draw(draw)
        z = reparameterize(q_mean, q_log_std, noise[:, :, draw])
        return top_half_joint(decoder, x, z) .- log_q(q_mean, q_log_std, z)
    end
    return mean(one_draw.(axes(noise, 3)))
end
