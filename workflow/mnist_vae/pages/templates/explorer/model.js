"use strict";
// The mathematics of the page: the decoder, and the exact posterior of z by sums over a grid of the plane.
// It runs in the page and, for whatever takes long, in a worker: decoding the grid, and sums that say their error.

const DETAIL = 3; // posterior cells along one grid step
const BLOCK = 4; // points decoded together, so that each weight is fetched once for all
const NEGLIGIBLE = 1e-7; // of the posterior's mass
const TOLERANCE = 0.002; // nats, of a logarithm of a sum: where it is reached, the sum is not refined further
const MOST_POINTS = 6000; // decoded for one sum
const DEPTHS = [25, 14]; // nats below the highest point, to which a sum is refined: at first, as a narrow peak may
                         // lie between points, and from then on

const sigmoid = (t) => 1 / (1 + Math.exp(-t));
const softplus = (t) => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));

// --- the decoder: 2 -> tanh -> Bernoulli logits of a square picture ----------------------------------------------------

function hiddenUnits(decoder, x, y) {
  const { hiddenWeight, hiddenBias } = decoder;
  return Float64Array.from(hiddenBias, (bias, j) =>
    Math.tanh(hiddenWeight[2 * j] * x + hiddenWeight[2 * j + 1] * y + bias));
}

/** Bernoulli logits of the first `count` pixels, in raster order, at the point (x, y). */
function logitsAt({ outputWeight, outputBias, ...decoder }, x, y, count) {
  const hidden = hiddenUnits(decoder, x, y);
  const logits = new Float64Array(count);
  for (let pixel = 0, k = 0; pixel < count; pixel++) {
    let sum = outputBias[pixel];
    for (let j = 0; j < hidden.length; j++, k++) sum += outputWeight[k] * hidden[j];
    logits[pixel] = sum;
  }
  return logits;
}

/** Bernoulli means in raster order at the point (x, y). */
const decode = (decoder, x, y) => Float32Array.from(logitsAt(decoder, x, y, decoder.outputBias.length), sigmoid);

const logPrior = (x, y) => -(x * x + y * y) / 2 - Math.log(2 * Math.PI);

/** log p(first rows of the picture, z) at one point. */
function logJointAt(decoder, picture, rows, x, y) {
  const logits = logitsAt(decoder, x, y, rows * Math.sqrt(picture.length));
  return logits.reduce((sum, logit, pixel) => sum + (picture[pixel] ? logit : 0) - softplus(logit), logPrior(x, y));
}

/**
 * Decode a size x size grid over [-reach, reach]^2, x running fastest. Returns logits (pixel, point), and
 * the likelihood's image-free part, the sum of softplus(logits) over a picture row, (row, point).
 */
function decodeGrid(decoder, reach, size, report) {
  const { outputWeight, outputBias } = decoder;
  const points = size * size;
  const count = decoder.hiddenBias.length, pixels = outputBias.length, side = Math.sqrt(pixels);
  const logits = new Float32Array(pixels * points);
  const rowSoftplus = new Float32Array(side * points);
  const at = (i) => (2 * i / (size - 1) - 1) * reach;
  for (let first = 0; first < points; first += BLOCK) {
    const [a, b, c, d] = Array.from({ length: BLOCK }, (_, i) => {
      const point = Math.min(first + i, points - 1);
      return hiddenUnits(decoder, at(point % size), at(Math.floor(point / size)));
    });
    for (let pixel = 0; pixel < pixels; pixel++) {
      let sumA = outputBias[pixel], sumB = sumA, sumC = sumA, sumD = sumA;
      for (let j = 0, k = pixel * count; j < count; j++, k++) {
        const weight = outputWeight[k];
        sumA += weight * a[j];
        sumB += weight * b[j];
        sumC += weight * c[j];
        sumD += weight * d[j];
      }
      const sums = [sumA, sumB, sumC, sumD];
      for (let i = 0; i < BLOCK && first + i < points; i++) {
        logits[pixel * points + first + i] = sums[i];
        rowSoftplus[Math.floor(pixel / side) * points + first + i] += softplus(sums[i]);
      }
    }
    if (first % 400 === 0) report(first / points);
  }
  return { reach, size, side, logits, rowSoftplus };
}

// --- the posterior of z, given the first rows of a picture ----------------------------------------------

/** log p(first rows of the picture, z) at the grid's points. */
function logJoint(grid, picture, rows) {
  const { reach, size, side, logits, rowSoftplus } = grid;
  const points = size * size;
  const sum = new Float64Array(points);
  for (let p = 0; p < points; p++) {
    const x = (2 * (p % size) / (size - 1) - 1) * reach;
    const y = (2 * Math.floor(p / size) / (size - 1) - 1) * reach;
    sum[p] = logPrior(x, y);
  }
  for (let row = 0; row < rows; row++)
    for (let p = 0, k = row * points; p < points; p++, k++) sum[p] -= rowSoftplus[k];
  for (let pixel = 0; pixel < rows * side; pixel++)
    if (picture[pixel]) for (let p = 0, k = pixel * points; p < points; p++, k++) sum[p] += logits[k];
  return sum;
}

/** Coefficients of the cubic B-spline through values on a grid (Unser 1999, "Splines", box 2). */
function splineCoefficients(values, size) {
  const pole = Math.sqrt(3) - 2;
  const coefficients = Float64Array.from(values);
  const filter = (start, step) => {
    const at = (i) => start + i * step;
    let sum = 0;
    for (let i = 0, power = 1; i < size; i++, power *= pole) sum += power * coefficients[at(i)];
    coefficients[at(0)] = sum;
    for (let i = 1; i < size; i++) coefficients[at(i)] += pole * coefficients[at(i - 1)];
    const last = size - 1;
    coefficients[at(last)] =
      pole / (pole * pole - 1) * (coefficients[at(last)] + pole * coefficients[at(last - 1)]);
    for (let i = last - 1; i >= 0; i--)
      coefficients[at(i)] = pole * (coefficients[at(i + 1)] - coefficients[at(i)]);
    for (let i = 0; i < size; i++) coefficients[at(i)] *= 6;
  };
  for (let row = 0; row < size; row++) filter(row * size, 1);
  for (let column = 0; column < size; column++) filter(column, size);
  return coefficients;
}

/** The spline's values on a regular grid of the window [[left, right], [bottom, top]], count x count. */
function evaluateSpline({ coefficients, reach, size }, window, count) {
  const basis = (low, high) => Array.from({ length: count }, (_, i) => {
    const place = ((low + (high - low) * i / (count - 1)) / reach + 1) / 2 * (size - 1);
    const base = Math.max(0, Math.min(size - 2, Math.floor(place)));
    const t = place - base, s = 1 - t;
    const mirror = (k) => (k < 0 ? -k : k >= size ? 2 * (size - 1) - k : k);
    return {
      places: [-1, 0, 1, 2].map((k) => mirror(base + k)),
      weights: [s * s * s, 4 - 6 * t * t + 3 * t * t * t, 4 - 6 * s * s + 3 * s * s * s, t * t * t],
    };
  });
  const columns = basis(...window[0]), lines = basis(...window[1]);
  const along = new Float64Array(size * count);
  for (let row = 0; row < size; row++)
    for (let i = 0; i < count; i++) {
      const { places: [a, b, c, d], weights: [e, f, g, h] } = columns[i];
      const k = row * size;
      along[row * count + i] =
        e * coefficients[k + a] + f * coefficients[k + b] + g * coefficients[k + c] + h * coefficients[k + d];
    }
  const values = new Float64Array(count * count);
  for (let line = 0; line < count; line++) {
    const { places: [a, b, c, d], weights: [e, f, g, h] } = lines[line];
    for (let i = 0; i < count; i++)
      values[line * count + i] = (e * along[a * count + i] + f * along[b * count + i]
        + g * along[c * count + i] + h * along[d * count + i]) / 36;
  }
  return values;
}

/**
 * The posterior of z given the picture's first rows, to be drawn: its mass on cells (count x count) finer than the
 * grid, and what it was interpolated from, log p(rows, z) at the grid's points and the spline through them.
 */
function posterior(grid, picture, rows) {
  const { reach, size } = grid;
  const values = logJoint(grid, picture, rows);
  const spline = { coefficients: splineCoefficients(values, size), reach, size };
  const count = (size - 1) * DETAIL + 1;
  const mass = evaluateSpline(spline, [[-reach, reach], [-reach, reach]], count);
  let peak = -Infinity;
  for (const value of mass) peak = Math.max(peak, value);
  let total = 0;
  for (let i = 0; i < mass.length; i++) total += mass[i] = Math.exp(mass[i] - peak);
  for (let i = 0; i < mass.length; i++) mass[i] /= total;
  return { spline, values, mass, count };
}

/** The posterior's mass at the grid's points: each cell's goes to the points around it, by nearness. */
function massOnGrid({ size }, { mass, count }) {
  const weights = new Float64Array(size * size);
  for (let i = 0; i < mass.length; i++) {
    if (mass[i] < NEGLIGIBLE / mass.length) continue;
    const x = (i % count) / DETAIL, y = Math.floor(i / count) / DETAIL;
    const left = Math.min(Math.floor(x), size - 2), low = Math.min(Math.floor(y), size - 2);
    const k = low * size + left, u = x - left, v = y - low;
    weights[k] += mass[i] * (1 - u) * (1 - v);
    weights[k + 1] += mass[i] * u * (1 - v);
    weights[k + size] += mass[i] * (1 - u) * v;
    weights[k + size + 1] += mass[i] * u * v;
  }
  return weights;
}

/** The Bernoulli means averaged over the posterior: the probability of ink in each pixel, given the rows. */
function expectedPicture({ logits, side }, weights) {
  const points = weights.length;
  const likely = Array.from(weights.keys()).filter((p) => weights[p] > NEGLIGIBLE);
  const means = new Float64Array(side * side);
  for (let pixel = 0; pixel < means.length; pixel++)
    for (const p of likely) means[pixel] += weights[p] * sigmoid(logits[pixel * points + p]);
  return means;
}

/**
 * p(class | rows): the average over the posterior of p(class | z), for which stand the classes' shares among the
 * training codes nearest to z, `counts` (point, class).
 */
function classProbabilities(counts, classes, weights) {
  const sums = new Float64Array(classes);
  for (let p = 0; p < weights.length; p++)
    if (weights[p]) for (let c = 0; c < classes; c++) sums[c] += weights[p] * counts[p * classes + c];
  const total = sums.reduce((sum, value) => sum + value);
  return sums.map((value) => value / total);
}

/** Points spread evenly over the posterior's mass: a systematic sample, the same for the same posterior. */
function spreadPoints({ mass, count, spline: { reach } }, number) {
  const found = [];
  let sum = 0;
  for (let i = 0; i < mass.length && found.length < number; i++) {
    sum += mass[i];
    while (found.length < number && sum > (found.length + 0.5) / number)
      found.push([i % count, Math.floor(i / count)].map((k) => (2 * k / (count - 1) - 1) * reach));
  }
  return found;
}

// --- sums that say their error ----------------------------------------------------------------------------

function logSum(values, area) {
  let peak = -Infinity;
  for (const value of values) peak = Math.max(peak, value);
  let sum = 0;
  for (const value of values) sum += Math.exp(value - peak);
  return peak + Math.log(sum * area);
}

/**
 * log p(first rows of the picture), and an estimate of its error, in nats. `values` are log p(rows, z) on the grid.
 *
 * The sum over all points is compared with that over every second one along each axis. Where they differ, points
 * are decoded halfway between, wherever there is mass, and so on. On a smooth peak the sum's error falls faster than
 * any power of the spacing, so the last difference bounds it from above. The mass on the plane's border is added.
 */
function logEvidence(decoder, picture, rows, { reach, size, values }) {
  const border = [], every = [], second = [];
  values.forEach((value, p) => {
    const i = p % size, j = Math.floor(p / size);
    every.push(value);
    if (i % 2 === 0 && j % 2 === 0) second.push(value);
    if (Math.min(i, j) === 0 || Math.max(i, j) === size - 1) border.push(value);
  });
  let step = 2 * reach / (size - 1), length = size;
  let found = logSum(every, step * step);
  const beyond = Math.exp(logSum(border, step * step) - found);
  let error = Math.abs(found - logSum(second, 4 * step * step));
  let known = new Map(values.entries());
  for (let level = 0, decoded = 0; error > TOLERANCE && decoded < MOST_POINTS; level++) {
    let peak = -Infinity;
    for (const value of known.values()) peak = Math.max(peak, value);
    const finer = new Map(), finerLength = 2 * length - 1;
    for (const [p, value] of known) finer.set(2 * Math.floor(p / length) * finerLength + 2 * (p % length), value);
    step /= 2;
    for (const [p, value] of known) {
      if (value < peak - DEPTHS[Math.min(level, DEPTHS.length - 1)]) continue;
      for (const [u, v] of [[-1, -1], [0, -1], [1, -1], [-1, 0], [1, 0], [-1, 1], [0, 1], [1, 1]]) {
        const i = 2 * (p % length) + u, j = 2 * Math.floor(p / length) + v, k = j * finerLength + i;
        if (finer.has(k) || Math.min(i, j) < 0 || Math.max(i, j) >= finerLength) continue;
        finer.set(k, logJointAt(decoder, picture, rows, i * step - reach, j * step - reach));
        decoded++;
      }
    }
    [known, length] = [finer, finerLength];
    const next = logSum([...known.values()], step * step);
    [error, found] = [Math.abs(next - found), next];
  }
  return { value: found, error: error + beyond, step };
}

/** The ELBO of the factorized Gaussian q = {mean, std}, by a sum over a grid of q, and its estimated error. */
function elbo(decoder, picture, { mean, std }) {
  const step = 0.5, most = 12; // standard deviations; steps to each side
  const rows = Math.sqrt(picture.length);
  const sums = [0, 0]; // over all points, and every second one
  for (let i = -most; i <= most; i++)
    for (let j = -most; j <= most; j++) {
      const u = i * step, v = j * step, logStandard = logPrior(u, v);
      const term = Math.exp(logStandard) * step * step * (
        logJointAt(decoder, picture, rows, mean[0] + u * std[0], mean[1] + v * std[1])
        - logStandard + Math.log(std[0] * std[1]));
      sums[0] += term;
      if (i % 2 === 0 && j % 2 === 0) sums[1] += 4 * term;
    }
  return { value: sums[0], error: Math.abs(sums[0] - sums[1]) };
}

/** log p(first rows of the picture, z) on a regular grid of the window, count x count. */
function logJointIn(decoder, picture, rows, [[left, right], [low, high]], count) {
  const at = (from, to, i) => from + (to - from) * i / (count - 1);
  return Float64Array.from({ length: count * count }, (_, p) =>
    logJointAt(decoder, picture, rows, at(left, right, p % count), at(low, high, Math.floor(p / count))));
}

// In a worker: what each kind of message asks for, and the buffers that the answer hands over.
const TASKS = {
  grid({ of, decoder, reach, size }) {
    const grid = decodeGrid(decoder, reach, size, (progress) => self.postMessage({ progress }));
    return [{ of, grid }, [grid.logits.buffer, grid.rowSoftplus.buffer]];
  },
  /** log p of the rows seen, of the whole if its `values` are given, and of q, if given, its ELBO. */
  numbers({ id, decoder, picture, rows, seen, whole, q, window, count }) {
    const found = { evidence: logEvidence(decoder, picture, rows, seen) };
    if (whole) found.whole = logEvidence(decoder, picture, Math.sqrt(picture.length), whole);
    if (q) found.elbo = elbo(decoder, picture, q);
    const refined = found.evidence.step < 2 * seen.reach / (seen.size - 1);
    if (refined) found.closeup = logJointIn(decoder, picture, rows, window, count);
    return [{ id, found }];
  },
};

if (typeof document === "undefined")
  self.onmessage = ({ data: { task, ...message } }) => self.postMessage(...TASKS[task](message));
