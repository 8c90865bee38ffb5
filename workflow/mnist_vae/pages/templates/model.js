"use strict";
// The mathematics of the page: the decoder, and the exact posterior of z by sums over a grid of the plane.
// It runs in the page and, to decode the grid, in a worker.

const SIDE = 28;
const PIXELS = SIDE * SIDE;
const DETAIL = 3; // posterior cells along one grid step
const BLOCK = 4; // points decoded together, so that each weight is fetched once for all
const NEGLIGIBLE = 1e-7; // of the posterior's mass

const sigmoid = (t) => 1 / (1 + Math.exp(-t));
const softplus = (t) => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));

// --- the decoder: 2 -> tanh -> 784 Bernoulli logits ----------------------------------------------------

function hiddenUnits(decoder, x, y) {
  const { hiddenWeight, hiddenBias } = decoder;
  return Float64Array.from(hiddenBias, (bias, j) =>
    Math.tanh(hiddenWeight[2 * j] * x + hiddenWeight[2 * j + 1] * y + bias));
}

/** Bernoulli means, 784 in raster order, at the point (x, y). */
function decode(decoder, x, y) {
  const hidden = hiddenUnits(decoder, x, y);
  const { outputWeight, outputBias } = decoder;
  return Float32Array.from(outputBias, (bias, pixel) => {
    let sum = bias;
    for (let j = 0, k = pixel * hidden.length; j < hidden.length; j++, k++) sum += outputWeight[k] * hidden[j];
    return sigmoid(sum);
  });
}

/**
 * Decode a size x size grid over [-reach, reach]^2, x running fastest. Returns logits (pixel, point), and
 * the likelihood's image-free part, the sum of softplus(logits) over a picture row, (row, point).
 */
function decodeGrid(decoder, reach, size, report) {
  const { outputWeight, outputBias } = decoder;
  const points = size * size;
  const count = decoder.hiddenBias.length;
  const logits = new Float32Array(PIXELS * points);
  const rowSoftplus = new Float32Array(SIDE * points);
  const at = (i) => (2 * i / (size - 1) - 1) * reach;
  for (let first = 0; first < points; first += BLOCK) {
    const [a, b, c, d] = Array.from({ length: BLOCK }, (_, i) => {
      const point = Math.min(first + i, points - 1);
      return hiddenUnits(decoder, at(point % size), at(Math.floor(point / size)));
    });
    for (let pixel = 0; pixel < PIXELS; pixel++) {
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
        rowSoftplus[Math.floor(pixel / SIDE) * points + first + i] += softplus(sums[i]);
      }
    }
    if (first % 400 === 0) report(first / points);
  }
  return { reach, size, logits, rowSoftplus };
}

// --- the posterior of z, given the first rows of a picture ----------------------------------------------

/** log p(first rows of the picture, z) at the grid's points. */
function logJoint(grid, picture, rows) {
  const { reach, size, logits, rowSoftplus } = grid;
  const points = size * size;
  const sum = new Float64Array(points);
  for (let p = 0; p < points; p++) {
    const x = (2 * (p % size) / (size - 1) - 1) * reach;
    const y = (2 * Math.floor(p / size) / (size - 1) - 1) * reach;
    sum[p] = -(x * x + y * y) / 2 - Math.log(2 * Math.PI);
  }
  for (let row = 0; row < rows; row++)
    for (let p = 0, k = row * points; p < points; p++, k++) sum[p] -= rowSoftplus[k];
  for (let pixel = 0; pixel < rows * SIDE; pixel++)
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
 * The posterior of z given the picture's first rows: its mass on cells (count x count) finer than the grid,
 * log p(rows), and the spline of log p(rows, z), from which it can be had anywhere.
 */
function posterior(grid, picture, rows) {
  const { reach, size } = grid;
  const spline = { coefficients: splineCoefficients(logJoint(grid, picture, rows), size), reach, size };
  const count = (size - 1) * DETAIL + 1;
  const mass = evaluateSpline(spline, [[-reach, reach], [-reach, reach]], count);
  let peak = -Infinity;
  for (const value of mass) peak = Math.max(peak, value);
  let total = 0;
  for (let i = 0; i < mass.length; i++) total += mass[i] = Math.exp(mass[i] - peak);
  for (let i = 0; i < mass.length; i++) mass[i] /= total;
  const step = 2 * reach / (count - 1);
  return { spline, mass, count, peak, logEvidence: peak + Math.log(total * step * step) };
}

/** KL(q || posterior) in nats, for the factorized Gaussian q = {mean, std}, by a sum over a grid of q. */
function divergence({ spline, logEvidence }, { mean, std }) {
  const count = 61, width = 6; // standard deviations to each side
  const window = [0, 1].map((i) => [mean[i] - width * std[i], mean[i] + width * std[i]]);
  const values = evaluateSpline(spline, window, count);
  const step = 2 * width / (count - 1);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const u = (i % count) * step - width, v = Math.floor(i / count) * step - width;
    const logStandard = -(u * u + v * v) / 2 - Math.log(2 * Math.PI);
    const logQ = logStandard - Math.log(std[0] * std[1]);
    sum += Math.exp(logStandard) * step * step * (logQ - values[i] + logEvidence);
  }
  return sum;
}

/** The Bernoulli means averaged over the posterior: the probability of ink in each pixel, given the rows. */
function expectedPicture(grid, { mass, count }) {
  const { size, logits } = grid;
  const points = size * size;
  // Each cell's mass goes to the grid points around it, by nearness: means are interpolated between them.
  const weights = new Float64Array(points);
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
  const likely = Array.from(weights.keys()).filter((p) => weights[p] > NEGLIGIBLE);
  const means = new Float64Array(PIXELS);
  for (let pixel = 0; pixel < PIXELS; pixel++)
    for (const p of likely) means[pixel] += weights[p] * sigmoid(logits[pixel * points + p]);
  return means;
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

if (typeof document === "undefined")
  self.onmessage = ({ data: { decoder, reach, size } }) => {
    const grid = decodeGrid(decoder, reach, size, (progress) => self.postMessage({ progress }));
    self.postMessage({ grid }, [grid.logits.buffer, grid.rowSoftplus.buffer]);
  };
