# ruff: noqa: E501
"""Every mistake of the table as an edit of a right solution in Python and Julia: the old text and the new."""

GAUSSIAN = "factorized_gaussian_log_density"
PY_LIKELIHOOD = "bernoulli_log_density(decoder(z), x).sum(-1)"
PY_JOINT = "return log_prior(z) + log_likelihood(x, z)"
PY_ELBO = "(joint_log_density(x, z) - log_q(q_mean, q_log_std, z)).mean()"
PY_Q = "log_q(q_mean, q_log_std, z)"
PY_DRAW = "mean + log_std.exp() * noise"
PY_BERNOULLI = "return -F.softplus(-(2 * x - 1) * logits)"
PY_STD = "torch.as_tensor(log_std)\n"
PY_SUM = "math.log(2 * math.pi)).sum(-1)"
PY_PRIOR = "torch.sigmoid(decoder(torch.randn(count, LATENT)))"

JL_SQUARES = "    squares = ((x .- mean) ./ exp.(log_std)) .^ 2"
JL_SUM = "return sum(-0.5 .* squares .- log_std .- 0.5 * log(2π), dims=1)"
JL_LIKELIHOOD = "log_likelihood(x, z) = sum(bernoulli_log_density(decoder(z), x), dims=1)"
JL_JOINT = "joint_log_density(x, z) = log_prior(z) .+ log_likelihood(x, z)"
JL_ELBO = "mean(joint_log_density(x, z) .- log_q(q_mean, q_log_std, z))"
JL_Q = "log_q(q_mean, q_log_std, z)"
JL_DRAW = "return mean .+ exp.(log_std) .* noise"
JL_BERNOULLI = "return min.(t, 0) .- log1p.(exp.(-abs.(t)))"
JL_PRIOR = "prior_samples(count) = logistic.(decoder(randn(Dz, count)))"
JL_GRADIENTS = "            gradients = loss_gradients(encoder, decoder, batch)\n"
TRANSPOSED = "reshape(permutedims(reshape(x, 28, 28, :), (2, 1, 3)), size(x))"

# mistake: the function in which it is made; the edit in Python; the edit in Julia.
VARIANTS = {
    "constant_forgotten": (GAUSSIAN, (" - 0.5 * math.log(2 * math.pi)", ""), (" .- 0.5 * log(2π)", "")),
    "constant_not_halved": (GAUSSIAN, ("- 0.5 * math.log", "- math.log"), (".- 0.5 * log", ".- log")),
    "square_not_halved": (GAUSSIAN, ("-0.5 * squares", "-squares"), ("-0.5 .* squares", "-squares")),
    "normalizer_forgotten": (
        GAUSSIAN,
        ("squares - log_std - 0.5", "squares - 0.5"),
        ("squares .- log_std .- 0.5", "squares .- 0.5"),
    ),
    "log_variance_for_log_std": (
        GAUSSIAN,
        (PY_STD, "torch.as_tensor(log_std) / 2\n"),
        (JL_SQUARES, f"    log_std = log_std ./ 2\n{JL_SQUARES}"),
    ),
    "variance_for_std": (
        GAUSSIAN,
        (PY_STD, "torch.as_tensor(log_std) * 2\n"),
        (JL_SQUARES, f"    log_std = 2 .* log_std\n{JL_SQUARES}"),
    ),
    "std_for_log_std": (
        GAUSSIAN,
        (PY_STD, "torch.as_tensor(log_std).log()\n"),
        (JL_SQUARES, f"    log_std = log.(log_std)\n{JL_SQUARES}"),
    ),
    "divided_by_std": (
        GAUSSIAN,
        ("((x - mean) / log_std.exp()) ** 2", "(x - mean) ** 2 / log_std.exp()"),
        (JL_SQUARES, "    squares = (x .- mean) .^ 2 ./ exp.(log_std)"),
    ),
    "prior_for_q": (
        "log_q",
        ("return factorized_gaussian_log_density(q_mean, q_log_std, z)", "return log_prior(z)"),
        (
            "log_q(q_mean, q_log_std, z) = factorized_gaussian_log_density(q_mean, q_log_std, z)",
            "log_q(q_mean, q_log_std, z) = log_prior(z)",
        ),
    ),
    "density_for_its_log": (
        GAUSSIAN,
        (PY_SUM, f"{PY_SUM}.exp()"),
        (JL_SUM, JL_SUM.replace("sum(", "exp.(sum(") + ")"),
    ),
    "sign_turned": (GAUSSIAN, ("return (-0.5", "return -(-0.5"), (JL_SUM, JL_SUM.replace("sum(", "-sum("))),
    "sum_over_the_wrong_axis": (
        GAUSSIAN,
        (PY_SUM, PY_SUM.replace("-1", "0")),
        (JL_SUM, JL_SUM.replace("dims=1", "dims=2")),
    ),
    "sum_over_everything": (
        GAUSSIAN,
        (PY_SUM, PY_SUM.replace("-1", "")),
        (JL_SUM, JL_SUM.replace(", dims=1", "")),
    ),
    "mean_over_features": (
        "log_prior",
        (
            "factorized_gaussian_log_density(0.0, 0.0, z)",
            "factorized_gaussian_log_density(0.0, 0.0, z) / LATENT",
        ),
        (
            "factorized_gaussian_log_density(0, zeros(Dz), z)",
            "factorized_gaussian_log_density(0, zeros(Dz), z) ./ Dz",
        ),
    ),
    "not_summed": (
        "log_likelihood",
        (PY_LIKELIHOOD, PY_LIKELIHOOD.removesuffix(".sum(-1)")),
        (JL_LIKELIHOOD, "log_likelihood(x, z) = bernoulli_log_density(decoder(z), x)"),
    ),
    "first_pixel_left_out": (
        "log_likelihood",
        (PY_LIKELIHOOD, PY_LIKELIHOOD.replace(".sum", "[..., 1:].sum")),
        (JL_LIKELIHOOD, JL_LIKELIHOOD.replace(", dims", "[2:end, :], dims")),
    ),
    "last_pixel_left_out": (
        "log_likelihood",
        (PY_LIKELIHOOD, PY_LIKELIHOOD.replace(".sum", "[..., :-1].sum")),
        (JL_LIKELIHOOD, JL_LIKELIHOOD.replace(", dims", "[1:end-1, :], dims")),
    ),
    "logits_for_probabilities": (
        "bernoulli_log_density",
        (PY_BERNOULLI, "return x * logits.log() + (1 - x) * (1 - logits).log()"),
        (JL_BERNOULLI, "return x .* log.(abs.(logits)) .+ (1 .- x) .* log.(abs.(1 .- logits))"),
    ),
    "sigmoid_too_many": (
        "bernoulli_log_density",
        (PY_BERNOULLI, PY_BERNOULLI.replace("* logits", "* torch.sigmoid(logits)")),
        ("(2 .* x .- 1) .* logits", "(2 .* x .- 1) .* logistic.(logits)"),
    ),
    "dark_pixels_forgotten": (
        "bernoulli_log_density",
        (PY_BERNOULLI, PY_BERNOULLI.replace("-F.", "-x * F.")),
        (JL_BERNOULLI, "return x .* (min.(t, 0) .- log1p.(exp.(-abs.(t))))"),
    ),
    "lit_and_dark_exchanged": (
        "bernoulli_log_density",
        (PY_BERNOULLI, PY_BERNOULLI.replace("(-(2", "((2")),
        ("(2 .* x .- 1) .* logits", "(1 .- 2 .* x) .* logits"),
    ),
    "squared_error": (
        "bernoulli_log_density",
        (PY_BERNOULLI, "return -((x - torch.sigmoid(logits)) ** 2)"),
        (JL_BERNOULLI, "return -(x .- logistic.(logits)) .^ 2"),
    ),
    "probability_for_its_log": (
        "bernoulli_log_density",
        (PY_BERNOULLI, "return torch.sigmoid((2 * x - 1) * logits)"),
        (JL_BERNOULLI, "return logistic.(t)"),
    ),
    "unstable_sigmoid": (
        "bernoulli_log_density",
        (PY_BERNOULLI, "p = torch.sigmoid(logits)\n    return x * p.log() + (1 - x) * (1 - p).log()"),
        (JL_BERNOULLI, "p = logistic.(logits)\n    return x .* log.(p) .+ (1 .- x) .* log.(1 .- p)"),
    ),
    "overflowing_exponential": (
        "bernoulli_log_density",
        (PY_BERNOULLI, "return -torch.log(1 + torch.exp(-(2 * x - 1) * logits))"),
        (JL_BERNOULLI, "return -log.(1 .+ exp.(-t))"),
    ),
    "transposed_pictures": (
        "log_likelihood",
        (
            PY_LIKELIHOOD,
            PY_LIKELIHOOD.replace("x)", "x.reshape(-1, 28, 28).transpose(1, 2).reshape(x.shape))"),
        ),
        (JL_LIKELIHOOD, JL_LIKELIHOOD.replace("(z), x)", f"(z), {TRANSPOSED})")),
    ),
    "decoder_with_a_sigmoid": (
        "decoder",
        ("nn.Linear(HIDDEN, PIXELS))", "nn.Linear(HIDDEN, PIXELS), nn.Sigmoid())"),
        (
            "decoder = Perceptron(Dz, Dh, Ddata)",
            "const logits = Perceptron(Dz, Dh, Ddata)\ndecoder(z) = logistic.(logits(z))",
        ),
    ),
    "prior_left_out": (
        "joint_log_density",
        (PY_JOINT, "return log_likelihood(x, z)"),
        (JL_JOINT, "joint_log_density(x, z) = log_likelihood(x, z)"),
    ),
    "likelihood_left_out": (
        "joint_log_density",
        (PY_JOINT, "return log_prior(z)"),
        (JL_JOINT, "joint_log_density(x, z) = log_prior(z)"),
    ),
    "prior_subtracted": (
        "joint_log_density",
        (PY_JOINT, "return log_likelihood(x, z) - log_prior(z)"),
        (JL_JOINT, "joint_log_density(x, z) = log_likelihood(x, z) .- log_prior(z)"),
    ),
    "logs_multiplied": (
        "joint_log_density",
        (PY_JOINT, "return log_prior(z) * log_likelihood(x, z)"),
        (JL_JOINT, "joint_log_density(x, z) = log_prior(z) .* log_likelihood(x, z)"),
    ),
    "draw_by_variance": (
        "sample_diag_gaussian",
        (PY_DRAW, "mean + (2 * log_std).exp() * noise"),
        (JL_DRAW, "return mean .+ exp.(2 .* log_std) .* noise"),
    ),
    "draw_by_log_std": (
        "sample_diag_gaussian",
        (PY_DRAW, "mean + log_std * noise"),
        (JL_DRAW, "return mean .+ log_std .* noise"),
    ),
    "draw_by_log_variance": (
        "sample_diag_gaussian",
        (PY_DRAW, "mean + (log_std / 2).exp() * noise"),
        (JL_DRAW, "return mean .+ exp.(log_std ./ 2) .* noise"),
    ),
    "draw_of_unit_width": (
        "sample_diag_gaussian",
        (PY_DRAW, "mean + noise"),
        (JL_DRAW, "return mean .+ noise"),
    ),
    "mean_for_a_draw": (
        "sample_diag_gaussian",
        (PY_DRAW, "mean + 0 * noise"),
        (JL_DRAW, "return mean .+ 0 .* noise"),
    ),
    "draw_without_mean": (
        "sample_diag_gaussian",
        (PY_DRAW, "log_std.exp() * noise"),
        (JL_DRAW, "return exp.(log_std) .* noise"),
    ),
    "uniform_noise": (
        "sample_diag_gaussian",
        ("torch.randn_like(mean)", "torch.rand_like(mean)"),
        ("    noise = randn(size(mean))\n", "    noise = rand(size(mean)...)\n"),
    ),
    "same_noise_in_every_call": (
        "sample_diag_gaussian",
        (
            "    noise = torch.randn_like(mean)",
            "    torch.manual_seed(0)\n    noise = torch.randn_like(mean)",
        ),
        (
            "    noise = randn(size(mean))\n",
            "    noise = (global still; @isdefined(still) && size(still) == size(mean) ? still : still = randn(size(mean)))\n",
        ),
    ),
    "shared_noise": (
        "sample_diag_gaussian",
        ("torch.randn_like(mean)", "torch.randn(mean.shape[-1])"),
        ("    noise = randn(size(mean))\n", "    noise = randn(size(mean, 1))\n"),
    ),
    "draw_from_the_prior": (
        "elbo",
        (
            "z = sample_diag_gaussian(q_mean, q_log_std)\n    return (joint",
            "z = torch.randn_like(q_mean)\n    return (joint",
        ),
        (
            "z = sample_diag_gaussian(q_mean, q_log_std)\n    return mean",
            "z = randn(size(q_mean))\n    return mean",
        ),
    ),
    "mean_and_log_std_exchanged": (
        "elbo",
        (
            "    q_mean, q_log_std = unpack_gaussian_params(encoder(x))\n    z",
            "    q_log_std, q_mean = unpack_gaussian_params(encoder(x))\n    z",
        ),
        (
            "    q_mean, q_log_std = unpack_gaussian_params(encoder(x))\n    z = sample",
            "    q_log_std, q_mean = unpack_gaussian_params(encoder(x))\n    z = sample",
        ),
    ),
    "sum_over_the_batch": (
        "elbo",
        (PY_ELBO, PY_ELBO.replace(".mean()", ".sum()")),
        (JL_ELBO, JL_ELBO.replace("mean(j", "sum(j")),
    ),
    "batch_of_100_assumed": (
        "elbo",
        (PY_ELBO, PY_ELBO.replace("mean()", "sum() / BATCH")),
        (JL_ELBO, JL_ELBO.replace("mean(j", "sum(j") + " / M"),
    ),
    "mean_over_pixels": ("elbo", (PY_ELBO, f"{PY_ELBO} / PIXELS"), (JL_ELBO, f"{JL_ELBO} / Ddata")),
    "not_averaged": (
        "elbo",
        (PY_ELBO, PY_ELBO.removesuffix(".mean()")),
        (JL_ELBO, JL_ELBO.replace("mean(j", "(j")),
    ),
    "elbo_sign": (
        "elbo",
        (f"return {PY_ELBO}", f"return -{PY_ELBO}"),
        (f"return {JL_ELBO}", f"return -{JL_ELBO}"),
    ),
    "q_left_out": (
        "elbo",
        (PY_ELBO, PY_ELBO.replace(f" - {PY_Q}", "")),
        (JL_ELBO, JL_ELBO.replace(f" .- {JL_Q}", "")),
    ),
    "q_added": ("elbo", (PY_ELBO, PY_ELBO.replace(" - ", " + ")), (JL_ELBO, JL_ELBO.replace(" .- ", " .+ "))),
    "kl_sign": (
        "elbo",
        (PY_ELBO, f"(log_likelihood(x, z) - log_prior(z) + {PY_Q}).mean()"),
        (JL_ELBO, f"mean(log_likelihood(x, z) .- log_prior(z) .+ {JL_Q})"),
    ),
    "bound_without_prior": (
        "elbo",
        (PY_ELBO, f"(log_likelihood(x, z) - {PY_Q}).mean()"),
        (JL_ELBO, f"mean(log_likelihood(x, z) .- {JL_Q})"),
    ),
    "likelihood_alone": (
        "elbo",
        (PY_ELBO, "log_likelihood(x, z).mean()"),
        (JL_ELBO, "mean(log_likelihood(x, z))"),
    ),
    "kl_alone": (
        "elbo",
        (PY_ELBO, f"(log_prior(z) - {PY_Q}).mean()"),
        (JL_ELBO, f"mean(log_prior(z) .- {JL_Q})"),
    ),
    "loss_sign": ("loss", ("return -elbo(x)", "return elbo(x)"), ("loss(x) = -elbo(x)", "loss(x) = elbo(x)")),
    "first_test_batch": (
        "test_loss",
        ("return loss(images)", "return loss(images[:BATCH])"),
        ("test_loss(images) = loss(images)", "test_loss(images) = loss(images[:, 1:M])"),
    ),
    "batches_summed": (
        "test_loss",
        ("return loss(images)", "return sum(loss(part) for part in images.split(BATCH))"),
        (
            "test_loss(images) = loss(images)",
            "test_loss(images) = sum(loss(images[:, part]) for part in Iterators.partition(axes(images, 2), M))",
        ),
    ),
    "grey_pixels": (
        "binarize",
        ("return (grey > 0.5).to(grey)", "return grey"),
        ("float.(grey .> 0.5)", "grey"),
    ),
    "any_ink_is_lit": ("binarize", ("grey > 0.5", "grey > 0"), ("grey .> 0.5", "grey .> 0")),
    "pictures_inverted": ("binarize", ("grey > 0.5", "grey <= 0.5"), ("grey .> 0.5", "grey .<= 0.5")),
    "transposed_picture": (
        "mnist_img",
        ("image.reshape(28, 28)", "image.reshape(28, 28).T"),
        ("permutedims(reshape(image, 28, 28))", "reshape(image, 28, 28)"),
    ),
    "whole_set_in_a_batch": (
        "batches",
        (".split(size)", ".split(len(images))"),
        ("Iterators.partition(order, size)]", "Iterators.partition(order, length(order))]"),
    ),
    "partial_batch_dropped": (
        "batches",
        (
            "return images[torch.randperm(len(images))].split(size)",
            "return [part for part in images[torch.randperm(len(images))].split(size) if len(part) == size]",
        ),
        ("Iterators.partition(order, size)]", "Iterators.partition(order, size) if length(part) == size]"),
    ),
    "epochs_over_one_batch": (
        "train_model_params",
        ("in batches(train_x):", "in batches(train_x)[:1]:"),
        ("for batch in batch_x(train_x)", "for batch in batch_x(train_x)[1:1]"),
    ),
    "loss_maximized": (
        "train_model_params",
        ("value.backward()", "(-value).backward()"),
        ("parameter .-= 1e-3", "parameter .+= 1e-3"),
    ),
    "nothing_trained": (
        "train_model_params",
        ("optimizer.step()", "pass"),
        ("parameter .-= 1e-3", "parameter .-= 0"),
    ),
    "encoder_not_trained": (
        "train_model_params",
        ("[*encoder.parameters(), *decoder.parameters()]", "decoder.parameters()"),
        (
            JL_GRADIENTS,
            f"{JL_GRADIENTS}            gradients = (map(zero, gradients[1:4])..., gradients[5:8]...)\n",
        ),
    ),
    "decoder_not_trained": (
        "train_model_params",
        ("[*encoder.parameters(), *decoder.parameters()]", "encoder.parameters()"),
        (
            JL_GRADIENTS,
            f"{JL_GRADIENTS}            gradients = (gradients[1:4]..., map(zero, gradients[5:8])...)\n",
        ),
    ),
    "last_batch_left_out": (
        "train_model_params",
        ("in batches(train_x):", "in batches(train_x)[:-1]:"),
        ("for batch in batch_x(train_x)", "for batch in batch_x(train_x)[1:end-1]"),
    ),
    "prior_samples_from_the_encoder": (
        "prior_samples",
        (PY_PRIOR, "torch.sigmoid(decoder(unpack_gaussian_params(encoder(torch.zeros(count, PIXELS)))[0]))"),
        (
            JL_PRIOR,
            "prior_samples(count) = logistic.(decoder(unpack_gaussian_params(encoder(zeros(Ddata, count)))[1]))",
        ),
    ),
    "logits_shown": (
        "prior_samples",
        (PY_PRIOR, "decoder(torch.randn(count, LATENT))"),
        (JL_PRIOR, "prior_samples(count) = decoder(randn(Dz, count))"),
    ),
    "sigmoid_twice": (
        "prior_samples",
        (PY_PRIOR, f"torch.sigmoid({PY_PRIOR})"),
        (JL_PRIOR, "prior_samples(count) = logistic.(logistic.(decoder(randn(Dz, count))))"),
    ),
    "weights_exchanged": (
        "interpolation",
        ("weight * z_first + (1 - weight) * z_second", "(1 - weight) * z_first + weight * z_second"),
        ("weight .* z_first .+ (1 - weight) .* z_second", "(1 - weight) .* z_first .+ weight .* z_second"),
    ),
    "weights_beyond_one": (
        "interpolation",
        ("weight * z_first + (1 - weight) * z_second", "weight * z_first + z_second"),
        ("weight .* z_first .+ (1 - weight) .* z_second", "weight .* z_first .+ z_second"),
    ),
    "interpolated_pixels": (
        "interpolated_picture",
        (
            "return torch.sigmoid(decoder(interpolation(z_first, z_second, weight)))",
            "return interpolation(x_first, x_second, weight)",
        ),
        (
            "return logistic.(decoder(interpolation(z_first, z_second, weight)))",
            "return interpolation(x_first, x_second, weight)",
        ),
    ),
    "left_half_for_the_top": (
        "top_half",
        ("return x[..., :TOP]", "return x.reshape(*x.shape[:-1], 28, 28)[..., :14].flatten(-2)"),
        ("top_half(x) = x[1:TOP, :]", "top_half(x) = reshape(reshape(x, 28, 28, :)[1:14, :, :], 392, :)"),
    ),
    "bottom_half_for_the_top": (
        "top_half",
        ("x[..., :TOP]", "x[..., TOP:]"),
        ("x[1:TOP, :]", "x[TOP+1:end, :]"),
    ),
    "top_half_one_pixel_short": (
        "top_half",
        ("x[..., :TOP]", "x[..., :TOP - 1]"),
        ("x[1:TOP, :]", "x[1:TOP-1, :]"),
    ),
    "pixels_for_rows": ("top_half", ("x[..., :TOP]", "x[..., :14]"), ("x[1:TOP, :]", "x[1:14, :]")),
    "full_image_for_the_top": (
        "top_half_log_likelihood",
        ("top_half(decoder(z)), top_half(x)", "decoder(z), x"),
        ("top_half(decoder(z)), top_half(x)", "decoder(z), x"),
    ),
    "sum_over_the_draws": (
        "top_half_elbo",
        ("return total / draws", "return total"),
        ("return total ./ draws", "return total"),
    ),
    "contours_through_a_sigmoid": (
        "contour_heights",
        ("torch.exp(log_density - log_density.max())", "torch.sigmoid(log_density)"),
        ("exp.(log_density .- maximum(log_density))", "logistic.(log_density)"),
    ),
    "contours_underflow": (
        "contour_heights",
        ("torch.exp(log_density - log_density.max())", "torch.exp(log_density)"),
        ("exp.(log_density .- maximum(log_density))", "exp.(log_density)"),
    ),
    "contours_of_the_log": (
        "contour_heights",
        ("torch.exp(log_density - log_density.max())", "log_density - log_density.max()"),
        ("exp.(log_density .- maximum(log_density))", "log_density .- maximum(log_density)"),
    ),
}
