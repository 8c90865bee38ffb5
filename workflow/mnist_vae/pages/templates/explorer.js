"use strict";
// The page: what is shown, and what pointer, keys and controls do to it. The mathematics is in model.js.

const byId = (id) => document.getElementById(id);
const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

const data = JSON.parse(byId("data").textContent);
const decoder = Object.fromEntries(
  Object.entries(data.decoder).map(([name, halves]) => [name, floats(halves)]));
const PIXELS = decoder.outputBias.length, SIDE = Math.sqrt(PIXELS);
const classes = data.classes; // their names; none where the data set has no labels
const training = {
  pictures: pictures(data.training.pictures),
  labels: classes.length ? bytes(data.training_labels) : null,
  mean: floats(data.training.mean),
  std: floats(data.training.log_std).map(Math.exp),
};
const tests = {
  pictures: pictures(data.tests.pictures),
  labels: classes.length ? bytes(data.test_labels) : null,
};
const classCounts = classes.length ? bytes(data.class_counts) : null; // (grid point, class)

const STEPS = 10; // pictures along a walk
const DRAWS = 6;
const NEAREST = 8; // training pictures beside a drawing
const ROW_TIME = 450; // milliseconds, when rows are revealed by themselves
const DEPTH = 6; // nats below its peak, where the posterior ends in the close-up
const CLOSEUP = 41; // points along a side, decoded where the grid is too coarse
const PEN = 1.15; // pixels, its radius: as thick as the strokes of MNIST
const LIKELY = 0.01; // classes below are not listed, nor more than MOST_LISTED
const MOST_LISTED = 10;
const FRAGMENT_DELAY = 250; // milliseconds
const MODES = ["point", "digit", "half", "draw"];
const FINGERS = navigator.maxTouchPoints > 0;
const CLICK = FINGERS ? "Tap" : "Click";
document.documentElement.classList.toggle("touch", FINGERS);

const state = {
  mode: "point",
  visible: new Set(classes.keys()),
  pointer: null, // the cross-hair, in latent coordinates
  path: [], // none, one or two points
  digit: training.labels ? Math.max(0, training.labels.indexOf(2)) : 0,
  test: 0,
  rows: SIDE / 2, // seen of the test picture
  ink: new Uint8Array(PIXELS), // the drawing
  rowsDrawn: 0, // seen of it
  follow: true, // they follow the pen
};
let grid = null; // until the worker has decoded it
let answer = null; // the posterior on show, with what is shown of it
let closeup; // its window
let theme;

// --- what the data hold -----------------------------------------------------------------------------

/** Numbers from base64 of float16. */
function floats(base64) {
  const halves = new Uint16Array(bytes(base64).buffer);
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1, exponent = half >> 10 & 31, fraction = half & 1023;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
  });
}

/** Pictures, 784 pixels of 0 or 1 each, from base64 of bits, the first pixel in the highest. */
function pictures(base64) {
  const packed = bytes(base64), size = PIXELS / 8;
  return Array.from({ length: packed.length / size }, (_, i) =>
    Uint8Array.from({ length: PIXELS }, (_, pixel) => packed[i * size + (pixel >> 3)] >> (7 - (pixel & 7)) & 1));
}

/** How a picture is called: "training digit 7, a 3", "training picture 7, coat" or "training picture 7, class 3". */
function called(kind, i, labels) {
  if (!labels) return `${kind} ${data.noun} ${i}`;
  const name = classes[labels[i]];
  const named = /^\d+$/.test(name) ? `class ${name}` : name;
  return `${kind} ${data.noun} ${i}, ${data.noun !== "digit" ? named : name === "8" ? "an 8" : `a ${name}`}`;
}

const shown = (i) => !training.labels || state.visible.has(training.labels[i]);

const guess = (i) => ({ // the encoder's q for a training digit
  mean: [training.mean[2 * i], training.mean[2 * i + 1]],
  std: [training.std[2 * i], training.std[2 * i + 1]],
});

// --- colours ----------------------------------------------------------------------------------------

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  theme = Object.fromEntries(
    ["surface", "text", "quiet", "line", "paper", "ink", "hidden", "exact", "q"].map((name) => [name, colour(name)]));
  const dark = matchMedia("screen and (prefers-color-scheme: dark)").matches;
  // On a dark ground black turns to ink, and the others grow lighter.
  theme.dots = data.colours.map((hex) => !dark ? hex : /^#0+$/.test(hex) ? theme.ink : mix(hex, "#ffffff", 0.3));
  theme.labels = theme.dots.map((hex) => readable(hex, theme.surface));
}

const channels = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));

function mix(from, to, share) {
  const target = channels(to);
  return "#" + channels(from).map((value, i) =>
    Math.round(value + share * (target[i] - value)).toString(16).padStart(2, "0")).join("");
}

/** The contrast of two colours (WCAG 2.2, relative luminance and contrast ratio). */
function contrast(one, other) {
  const [light, dark] = [one, other].map((hex) => channels(hex)
    .map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, k) => sum + [0.2126, 0.7152, 0.0722][k] * value, 0)).sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const blackOrWhite = (ground) => contrast("#000000", ground) > contrast("#ffffff", ground) ? "#000000" : "#ffffff";

/** The colour, moved away from the ground until text in it can be read there. */
function readable(hex, ground) {
  for (let share = 0; share < 1; share += 0.05) {
    const colour = mix(hex, blackOrWhite(ground), share);
    if (contrast(colour, ground) >= 4.5) return colour;
  }
  return blackOrWhite(ground);
}

// --- pictures of digits -----------------------------------------------------------------------------

/** A picture as ink on paper; rows from `hiddenFrom` on are covered, through which `through` of the ink is seen. */
function drawDigit(canvas, values, { label, hiddenFrom = SIDE, through = 0 } = {}) {
  canvas.width = canvas.height = SIDE;
  if (label) canvas.setAttribute("aria-label", label);
  const [paper, ink, hidden] = [theme.paper, theme.ink, theme.hidden].map(channels);
  const image = new ImageData(SIDE, SIDE);
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const covered = pixel >= hiddenFrom * SIDE;
    for (let k = 0; k < 3; k++)
      image.data[4 * pixel + k] = covered ? hidden[k] + through * values[pixel] * (ink[k] - hidden[k])
        : paper[k] + values[pixel] * (ink[k] - paper[k]);
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function newDigit(parent) {
  const canvas = parent.appendChild(document.createElement("canvas"));
  canvas.className = "digit";
  canvas.setAttribute("role", "img");
  return canvas;
}

const pathStrip = Array.from({ length: STEPS }, () => newDigit(byId("path")));
const drawStrip = Array.from({ length: DRAWS }, () => newDigit(byId("draws")));
const nearestStrip = Array.from({ length: NEAREST }, () => newDigit(byId("nearest")));
const lens = document.createElement("canvas");

// --- the plane --------------------------------------------------------------------------------------

const plane = byId("plane");
let ground = null; // dots and posterior, redrawn only when they change
let labelBoxes = []; // on the screen: what the lens must not cover

const written = ([x, y]) => `(${x.toFixed(2)}, ${y.toFixed(2)})`.replaceAll("-", "−");
const toScreen = ([x, y], size) => [(x / data.reach + 1) / 2 * size, (1 - y / data.reach) / 2 * size];

/** Fit a canvas's pixels to the screen's; returns its context, in CSS pixels, and its size. */
function fitted(canvas) {
  const size = canvas.clientWidth, ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(size * ratio)) canvas.width = canvas.height = Math.round(size * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, size, size);
  return { context, size };
}

function circle(context, [x, y], radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

/** A density as a tinted image: opacity follows its root, so that slopes are seen as well as peaks. */
function tinted(density, count, peak) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = count;
  const image = new ImageData(count, count), colour = channels(theme.exact);
  for (let i = 0; i < density.length; i++) {
    const k = 4 * ((count - 1 - Math.floor(i / count)) * count + i % count);
    image.data.set(colour, k);
    image.data[k + 3] = 235 * Math.sqrt(density[i] / peak);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function drawEllipses(context, { mean, std }, scale, centre) {
  context.strokeStyle = theme.q;
  for (const width of [1, 2]) {
    context.beginPath();
    context.ellipse(...centre(mean), width * std[0] * scale, width * std[1] * scale, 0, 0, 2 * Math.PI);
    context.stroke();
  }
}

function drawGround() {
  ground = document.createElement("canvas");
  ground.width = ground.height = plane.width;
  const context = ground.getContext("2d"), size = plane.clientWidth;
  context.scale(plane.width / size, plane.width / size);

  context.strokeStyle = theme.line;
  context.fillStyle = theme.quiet;
  context.font = "11px system-ui, sans-serif";
  for (let tick = 2 - Math.ceil(data.reach / 2) * 2; tick < data.reach; tick += 2) {
    const [x, y] = toScreen([tick, tick], size);
    context.globalAlpha = tick ? 0.45 : 1;
    context.beginPath();
    context.moveTo(x, 0), context.lineTo(x, size), context.moveTo(0, y), context.lineTo(size, y);
    context.stroke();
    context.globalAlpha = 1;
    context.textAlign = "left";
    context.fillText(String(tick).replace("-", "−"), x + 3, size - 4);
    if (tick) context.fillText(String(tick).replace("-", "−"), 4, y - 3);
  }

  const faded = state.mode !== "point";
  const radius = Math.max(1.5, size / 280);
  for (let i = 0; i < training.pictures.length; i++) {
    if (!shown(i)) continue;
    context.globalAlpha = faded ? 0.3 : 0.75;
    context.fillStyle = training.labels ? theme.dots[training.labels[i]] : theme.quiet;
    circle(context, toScreen(guess(i).mean, size), radius);
    context.fill();
  }
  context.globalAlpha = 1;
  drawLabels(context, size);
  if (faded && answer)
    context.drawImage(tinted(answer.mass, answer.count, answer.mostMass), 0, 0, size, size);
}

/** What is marked on the plane: the points drawn, the nearest pictures, the encoder's guess. */
function marks() {
  if (state.mode === "digit") return [guess(state.digit).mean];
  return [...answer?.draws ?? [], ...(answer?.nearest ?? []).map((i) => guess(i).mean)];
}

/** The classes' names, where most of their dots lie; where that would hide a mark, beside it. */
function drawLabels(context, size) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = "650 13px system-ui, sans-serif";
  context.lineWidth = 1.5;
  labelBoxes = marks().map((point) => toScreen(point, size)).map(([x, y]) => [x - 5, y - 5, x + 5, y + 5]);
  const marked = labelBoxes.length;
  for (const [label, place] of Object.entries(data.label_places)) {
    if (!state.visible.has(Number(label))) continue;
    const name = classes[label], half = Math.max(10, context.measureText(name).width / 2 + 6);
    const [x, y] = freePlace(toScreen(place, size), [half, 10], size);
    context.beginPath();
    context.roundRect(x - half, y - 10, 2 * half, 20, 10);
    context.fillStyle = theme.surface;
    context.fill();
    context.strokeStyle = context.fillStyle = theme.labels[label];
    context.stroke();
    context.fillText(name, x, y + 1);
    labelBoxes.push([x - half, y - 10, x + half, y + 10]);
  }
  labelBoxes.splice(0, marked);
}

function drawPlane() {
  if (!plane.clientWidth) return; // in a frame not shown yet; it is drawn when it is
  const { context, size } = fitted(plane);
  if (!ground || ground.width !== plane.width) drawGround();
  context.drawImage(ground, 0, 0, size, size);
  const at = (point) => toScreen(point, size);
  context.lineWidth = 1.5;
  if (state.mode === "point") drawWalk(context, at, size);
  if (state.mode === "digit") {
    const q = guess(state.digit);
    drawEllipses(context, q, size / 2 / data.reach, at);
    const [[left, right], [low, high]] = closeup;
    const [x, y] = at([left, high]), [u, v] = at([right, low]);
    context.strokeStyle = theme.quiet;
    context.lineWidth = 1;
    context.strokeRect(x, y, u - x, v - y);
  }
  if (state.mode === "draw" && answer)
    for (const i of answer.nearest) {
      const [x, y] = at(guess(i).mean);
      context.strokeStyle = theme.text;
      context.strokeRect(x - 4, y - 4, 8, 8);
    }
  if ((state.mode === "half" || state.mode === "draw") && answer)
    for (const point of answer.draws) {
      circle(context, at(point), 3.5);
      context.fillStyle = theme.surface;
      context.strokeStyle = theme.exact;
      context.fill(), context.stroke();
    }
  placeHandle(size);
  if (state.pointer) drawPointer(context, at(state.pointer), size);
}

const SIDES = [[0, 46], [0, -46], [46, 0], [-46, 0]];
let grip = null; // from the cross-hair to the finger that drags its handle
let side = 0; // of the cross-hair, where its handle is: kept while it is dragged

/** Whether a box around a point lies on the plane and covers no class's name. */
function isFree([x, y], [u, v], size) {
  return x >= u && x <= size - u && y >= v && y <= size - v
    && labelBoxes.every(([l, t, r, b]) => x + u < l || x - u > r || y + v < t || y - v > b);
}

/** Where a box stands: around its place, or beside it where that is not free. */
function freePlace(place, half, size) {
  for (const away of [0, 16, 24, 32, 44, 60])
    for (const [u, v] of [[1, -1], [-1, -1], [1, 1], [-1, 1], [1, 0], [-1, 0], [0, -1], [0, 1]]) {
      const there = [place[0] + u * away, place[1] + v * away];
      if (isFree(there, half, size)) return there;
    }
  return place;
}

/** The cross-hair's handle lies below it, or on another side where it would cover a class's name or leave the plane. */
function handlePlace([x, y], size) {
  const places = SIDES.map(([u, v]) => [x + u, y + v]);
  if (!grip) side = Math.max(0, places.findIndex((place) => isFree(place, [22, 22], size)));
  return places[side].map((k) => Math.max(22, Math.min(size - 22, k)));
}

function placeHandle(size) {
  byId("handle").hidden = state.mode !== "point" || !state.pointer;
  if (byId("handle").hidden) return;
  const [x, y] = handlePlace(toScreen(state.pointer, size), size);
  byId("handle").style.left = `${x}px`;
  byId("handle").style.top = `${y}px`;
}

/** Where the letter of a walk's end stands: on its point, or beside it where it would cover a class's name. */
const letterPlace = (point, size) => freePlace(toScreen(point, size), [10, 10], size);

function drawWalk(context, at, size) {
  context.strokeStyle = context.fillStyle = theme.text;
  if (state.path.length === 2) {
    context.beginPath();
    context.moveTo(...at(state.path[0])), context.lineTo(...at(state.path[1]));
    context.stroke();
  }
  context.font = "650 12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  state.path.forEach((point, i) => {
    const place = letterPlace(point, size);
    context.strokeStyle = theme.text;
    context.beginPath();
    context.moveTo(...at(point)), context.lineTo(...place);
    context.stroke();
    circle(context, place, 9);
    context.fillStyle = theme.text;
    context.strokeStyle = theme.surface;
    context.fill(), context.stroke();
    context.fillStyle = theme.surface;
    context.fillText("AB"[i], place[0], place[1] + 1);
  });
}

/** The cross-hair, and beside it what the decoder draws there. */
function drawPointer(context, [x, y], size) {
  context.strokeStyle = theme.text;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const [u, v] of [[1, 0], [-1, 0], [0, 1], [0, -1]])
    context.moveTo(x + 3 * u, y + 3 * v), context.lineTo(x + 11 * u, y + 11 * v);
  context.stroke();
  if (state.mode === "digit") {
    const near = nearestDigit(state.pointer);
    if (near !== null) {
      circle(context, toScreen(guess(near).mean, size), 6);
      context.stroke();
    }
  }
  const width = Math.max(72, size / 8);
  const place = lensPlace([x, y], size, width);
  if (!place) return;
  const [left, top] = place;
  drawDigit(lens, decode(decoder, ...state.pointer));
  context.imageSmoothingEnabled = false;
  context.drawImage(lens, left, top, width, width);
  context.imageSmoothingEnabled = true;
  context.strokeStyle = theme.quiet;
  context.lineWidth = 1;
  context.strokeRect(left - 0.5, top - 0.5, width + 1, width + 1);
}

/** Where near the cross-hair the lens covers no label, end of a walk, or handle; null if nowhere. */
function lensPlace([x, y], size, width) {
  const box = ([u, v], half) => [u - half, v - half, u + half, v + half];
  const covered = [...labelBoxes, box([x, y], 12), ...state.path.map((point) => box(letterPlace(point, size), 10))];
  if (byId("handle").offsetParent) covered.push(box(handlePlace([x, y], size), 22));
  for (const away of [18, 40, 64])
    for (const [u, v] of [[1, -1], [-1, -1], [1, 1], [-1, 1], [0, -1], [1, 0], [-1, 0], [0, 1]]) {
      const left = x + u * (away + width / 2) - width / 2, top = y + v * (away + width / 2) - width / 2;
      const inside = Math.min(left, top) >= 2 && Math.max(left, top) + width <= size - 2;
      if (inside && covered.every(([l, t, r, b]) => r < left || l > left + width || b < top || t > top + width))
        return [left, top];
    }
  return null;
}

function nearestDigit([x, y]) {
  let nearest = null, least = Infinity;
  for (let i = 0; i < training.pictures.length; i++) {
    if (!shown(i)) continue;
    const distance = Math.hypot(training.mean[2 * i] - x, training.mean[2 * i + 1] - y);
    if (distance < least) [nearest, least] = [i, distance];
  }
  return nearest;
}

// --- the three panels -------------------------------------------------------------------------------

function showPoint() {
  const { pointer, path } = state;
  if (pointer) {
    drawDigit(byId("decoded"), decode(decoder, ...pointer), { label: `The decoded picture at ${written(pointer)}` });
    byId("decoded-at").textContent = `z = ${written(pointer)}`;
  }
  const [a, b] = path;
  byId("path").hidden = path.length < 2;
  byId("path-caption").textContent = path.length === 2
    ? `From A ${written(a)} to B ${written(b)}. ${CLICK} anew for another walk.`
    : path.length === 1 ? `A is ${written(a)}. ${CLICK} where the walk should end.` : `${CLICK} where a walk should begin.`;
  if (path.length < 2) return;
  pathStrip.forEach((canvas, i) => {
    const share = i / (STEPS - 1);
    const point = [0, 1].map((k) => (1 - share) * a[k] + share * b[k]);
    drawDigit(canvas, decode(decoder, ...point), { label: `Step ${i + 1} of ${STEPS}, at ${written(point)}` });
  });
}

/** The square that holds q to three standard deviations, and the posterior to DEPTH below its peak. */
function closeupWindow(q) {
  const reaches = [0, 1].map((k) => [q.mean[k] - 3 * q.std[k], q.mean[k] + 3 * q.std[k]]);
  answer?.mass.forEach((value, i) => {
    if (value < answer.mostMass * Math.exp(-DEPTH)) return;
    [i % answer.count, Math.floor(i / answer.count)].forEach((place, k) => {
      const z = (2 * place / (answer.count - 1) - 1) * data.reach;
      reaches[k] = [Math.min(reaches[k][0], z), Math.max(reaches[k][1], z)];
    });
  });
  const half = 0.55 * Math.max(...reaches.map(([low, high]) => high - low));
  return reaches.map(([low, high]) => [(low + high) / 2 - half, (low + high) / 2 + half]);
}

function showDigit() {
  const q = guess(state.digit), name = called("training", state.digit, training.labels);
  closeup = closeupWindow(q);
  drawDigit(byId("original"), training.pictures[state.digit], { label: name });
  byId("original-caption").textContent = name;
  drawDigit(byId("reconstruction"), decode(decoder, ...q.mean), { label: `Its reconstruction, at ${written(q.mean)}` });
  drawCloseup(q, answer?.found?.closeup);
  if (unanswered()) ask({ picture: answer.picture, rows: SIDE, seen: onGrid(answer), q, window: closeup, count: CLOSEUP });
}

function drawCloseup(q, decoded) {
  const canvas = byId("closeup"), { context, size } = fitted(canvas);
  const [[left, right], [low, high]] = closeup;
  if (answer) {
    const count = decoded ? CLOSEUP : 161;
    const values = decoded ?? evaluateSpline(answer.spline, [[left, right], [low, high]], count);
    const peak = values.reduce((most, value) => Math.max(most, value));
    context.drawImage(tinted(values.map((value) => Math.exp(value - peak)), count, 1), 0, 0, size, size);
  }
  context.lineWidth = 2;
  drawEllipses(context, q, size / (right - left),
    ([x, y]) => [(x - left) / (right - left) * size, (high - y) / (high - low) * size]);
  context.fillStyle = theme.quiet;
  context.font = "11px system-ui, sans-serif";
  context.fillText(`${(right - left).toFixed(2)} wide`, 7, size - 7);
  canvas.setAttribute("aria-label",
    `The exact posterior of z, and the encoder's Gaussian around ${written(q.mean)} with standard deviations ` +
    written(q.std));
}

function showHalf() {
  const name = called("test", state.test, tests.labels);
  drawDigit(byId("seen"), answerless().picture, {
    hiddenFrom: state.rows, label: `The first ${state.rows} rows of ${name}` });
  drawDigit(byId("truth"), tests.pictures[state.test], { label: `The whole of ${name}` });
  showCompletions("expected");
  if (unanswered()) ask({ picture: answer.picture, rows: answer.rows, seen: onGrid(answer), whole: onGrid(wholeOfTest()) });
}

function showDrawing() {
  drawPad();
  byId("eraser").setAttribute("aria-pressed", pen.erases);
  showCompletions("continued");
  const { rows } = answerless();
  byId("nearest").hidden = !answer?.nearest.length;
  byId("nearest-caption").textContent = answer?.nearest.length
    ? `The training ${data.noun}s that differ from it in the fewest of the pixels seen` +
      (training.labels ? `: ${answer.nearest.map((i) => classes[training.labels[i]]).join(", ")}` : "") +
      ". Squares mark them on the plane."
    : `The training ${data.noun}s nearest to your drawing will stand here.`;
  answer?.nearest.forEach((i, k) => drawDigit(nearestStrip[k], training.pictures[i], {
    hiddenFrom: rows, through: 0.35, label: called("training", i, training.labels) }));
  if (unanswered()) ask({ picture: answer.picture, rows, seen: onGrid(answer) });
}

/** The rows' count, how they may go on, and what is expected of the rest. */
function showCompletions(expected) {
  const { picture, rows } = answerless();
  byId("rows").value = rows;
  byId("rows").setAttribute("aria-valuetext", `${rows} of ${SIDE} rows`);
  byId("rows-seen").textContent = `${rows} of ${SIDE}`;
  if (!answer) return;
  // What is seen is certain; the rest is the model's. Of a finished drawing all is seen: there, the model's own.
  const finished = state.mode === "draw" && rows === SIDE;
  const joined = (means) => finished ? means
    : means.map((mean, pixel) => pixel < rows * SIDE ? picture[pixel] : mean);
  byId("continued-caption").textContent = finished ? "what the model makes of it" : "expected";
  drawDigit(byId(expected), joined(expectedPicture(grid, answer.weights)), {
    label: finished ? "What the model makes of it" : "The rows seen, the rest as expected" });
  drawStrip.forEach((canvas, i) => {
    const point = answer.draws[i];
    drawDigit(canvas, joined(decode(decoder, ...point)), { label: `A completion, from ${written(point)}` });
  });
}

function showProbabilities() {
  if (!answer || !classes.length) return;
  const probabilities = classProbabilities(classCounts, classes.length, answer.weights);
  const likely = Array.from(probabilities.keys()).filter((c) => probabilities[c] >= LIKELY)
    .sort((a, b) => probabilities[b] - probabilities[a]).slice(0, MOST_LISTED);
  byId("probabilities").replaceChildren(...likely.map((c) => {
    const item = document.createElement("li"), percent = `${(100 * probabilities[c]).toFixed(0)} %`;
    const [name, bar, share] = ["name", "bar", "share"].map((part) => {
      const element = item.appendChild(document.createElement("span"));
      element.className = part;
      return element;
    });
    name.textContent = classes[c];
    share.textContent = percent;
    const filled = bar.appendChild(document.createElement("span"));
    filled.style.cssText = `width: ${100 * probabilities[c]}%; background: ${theme.dots[c]}`;
    return item;
  }));
}

/** Terms with what the worker found, as value ± error; "…" until it has. */
function showNumbers(found) {
  const less = (a, b) => a && b && { value: a.value - b.value, error: a.error + b.error };
  const { evidence, whole, elbo: bound } = found ?? {};
  const terms = state.mode === "digit" ? {
    "log p(picture)": evidence,
    "ELBO, by the encoder’s guess": bound,
    "the gap: KL(guess ‖ exact)": less(evidence, bound),
  } : state.mode === "half" ? {
    "log p(rows seen)": evidence,
    "log p(hidden rows | seen)": less(whole, evidence),
  } : { [answerless().rows === SIDE ? "log p(picture)" : "log p(rows seen)"]: evidence };
  byId("numbers").replaceChildren(...Object.entries(terms).flatMap(([term, number]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = term;
    dd.textContent = number ? `${inNats(number.value)} ± ${rounded(number.error)} nats` : "…";
    return [dt, dd];
  }));
}

const inNats = (value) => value.toFixed(2).replace(/^-(?=0\.00$)/, "").replace("-", "−");

/** An error, upwards to one digit; to none below 0.001. */
function rounded(error) {
  if (error <= 0.001) return "0.001";
  const unit = 10 ** Math.floor(Math.log10(error));
  return (Math.ceil(error / unit - 1e-9) * unit).toFixed(Math.max(0, -Math.floor(Math.log10(error))));
}

// --- the posterior on show ----------------------------------------------------------------------------

/** The picture of the mode, and how many of its rows are seen. */
function answerless() {
  if (state.mode === "digit") return { picture: training.pictures[state.digit], rows: SIDE };
  if (state.mode === "half") return { picture: tests.pictures[state.test], rows: state.rows };
  return { picture: state.ink, rows: state.rowsDrawn };
}

/** Whether the exact numbers of the posterior on show are still to be asked for. */
const unanswered = () => answer && !answer.found;

const onGrid = ({ values }) => ({ reach: data.reach, size: data.grid_size, values });

const wholes = []; // log p(picture, z) on the grid, of each test picture shown so far
function wholeOfTest() {
  return wholes[state.test] ??= { values: logJoint(grid, tests.pictures[state.test], SIDE) };
}

/** The training pictures that differ from the picture in the fewest of the pixels seen. */
function nearestTraining(picture, rows) {
  if (!rows) return [];
  const distances = training.pictures.map((other) => {
    let sum = 0;
    for (let pixel = 0; pixel < rows * SIDE; pixel++) sum += picture[pixel] !== other[pixel];
    return sum;
  });
  return Array.from(distances.keys()).sort((a, b) => distances[a] - distances[b]).slice(0, NEAREST);
}

function solve() {
  answer = null;
  if (!grid || state.mode === "point") return;
  const { picture, rows } = answerless();
  answer = { ...posterior(grid, picture, rows), picture, rows };
  answer.mostMass = answer.mass.reduce((most, value) => Math.max(most, value));
  answer.weights = massOnGrid(grid, answer);
  if (state.mode === "digit") return;
  answer.draws = spreadPoints(answer, DRAWS);
  if (state.mode === "draw") answer.nearest = nearestTraining(picture, rows);
}

const panels = { point: showPoint, digit: showDigit, half: showHalf, draw: showDrawing };

/** Show the state, after it has changed. */
function show() {
  solve();
  render();
}

/** Show the state and its answer as they are. */
function render() {
  for (const element of document.querySelectorAll("[data-mode]"))
    element.hidden = !element.dataset.mode.split(" ").includes(state.mode);
  byId("preparing").hidden = grid !== null || state.mode === "point";
  showNumbers(answer?.found);
  panels[state.mode]();
  showProbabilities();
  ground = null;
  drawPlane();
  keepInFragment();
}

let redrawing = false;
/** Show the state in the next frame, once. */
function showSoon() {
  if (redrawing) return;
  redrawing = true;
  requestAnimationFrame(() => {
    redrawing = false;
    show();
  });
}

let awaited = false;
function showPointer() {
  if (awaited) return;
  awaited = true;
  requestAnimationFrame(() => {
    awaited = false;
    if (state.mode === "point") showPoint();
    drawPlane();
    keepInFragment();
  });
}

const say = (text) => { byId("status").textContent = text; };

// --- pointer, keys and controls ---------------------------------------------------------------------

/** What a click at the point does. */
function act(point) {
  if (state.mode === "point") {
    state.path = state.path.length === 2 ? [point] : [...state.path, point];
    say(`${"AB"[state.path.length - 1]} is ${written(point)}.`);
    showPointer();
  }
  if (state.mode === "digit") {
    const near = nearestDigit(point);
    if (near === null) return say(`No ${data.noun}s are shown: choose some below the plane.`);
    state.digit = near;
    say(`${called("training", near, training.labels)}.`);
    show();
  }
}

function latentAt({ clientX, clientY }) {
  const box = plane.getBoundingClientRect();
  const within = (share) => Math.max(-1, Math.min(1, 2 * share - 1)) * data.reach;
  return [within((clientX - box.left) / box.width), within(1 - (clientY - box.top) / box.height)];
}

function movePointer(point) {
  state.pointer = point;
  showPointer();
}

// A finger taps on the plane, and drags the handle; swipes are the page's. A mouse or a pen hovers.
for (const kind of ["pointermove", "pointerdown"])
  plane.addEventListener(kind, (event) => {
    if (event.pointerType !== "touch") movePointer(latentAt(event));
  });
plane.addEventListener("click", (event) => {
  if (state.mode === "point") movePointer(latentAt(event));
  act(latentAt(event));
});
plane.addEventListener("pointerleave", (event) => {
  if (state.mode !== "point" && event.pointerType !== "touch") movePointer(null);
});

const handle = byId("handle");
handle.addEventListener("pointerdown", (event) => {
  const box = plane.getBoundingClientRect(), [x, y] = toScreen(state.pointer, box.width);
  grip = [event.clientX - box.left - x, event.clientY - box.top - y];
  handle.setPointerCapture(event.pointerId);
});
handle.addEventListener("pointermove", (event) => {
  if (grip) movePointer(latentAt({ clientX: event.clientX - grip[0], clientY: event.clientY - grip[1] }));
});
for (const kind of ["pointerup", "pointercancel"]) handle.addEventListener(kind, () => { grip = null; });

plane.addEventListener("keydown", (event) => {
  const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const from = state.pointer ?? [0, 0];
  if (event.key in directions) {
    const step = event.shiftKey ? 0.5 : 0.1;
    const point = from.map((value, k) =>
      Math.max(-data.reach, Math.min(data.reach, value + step * directions[event.key][k])));
    movePointer(point);
    say(written(point));
  } else if (event.key === "Enter" || event.key === " ") act(from);
  else return;
  event.preventDefault();
});

for (const input of document.getElementsByName("mode"))
  input.addEventListener("change", () => {
    stopPlaying();
    enter(input.value);
    show();
  });

function enter(mode) {
  state.mode = mode;
  if (mode !== "point") state.pointer = null;
  else state.pointer ??= [0, 0];
}

const classBoxes = classes.map((title, digit) => {
  const label = byId("classes").appendChild(document.createElement("label"));
  const box = label.appendChild(document.createElement("input"));
  const name = label.appendChild(document.createElement("span"));
  box.type = "checkbox";
  box.checked = true;
  name.textContent = title;
  box.addEventListener("change", () => {
    state.visible[box.checked ? "add" : "delete"](digit);
    ground = null;
    drawPlane();
    keepInFragment();
  });
  return box;
});
byId("centred").hidden = data.noun !== "digit";
byId("class-choice").hidden = byId("classifier").hidden = byId("coloured").hidden = !classes.length;

function showClasses(checked) {
  for (const box of classBoxes)
    if (box.checked !== checked) box.click();
}
byId("all-classes").addEventListener("click", () => showClasses(true));
byId("no-classes").addEventListener("click", () => showClasses(false));

tests.pictures.forEach((_, i) => {
  const label = byId("tests").appendChild(document.createElement("label"));
  const radio = label.appendChild(document.createElement("input"));
  radio.type = "radio";
  radio.name = "test";
  radio.checked = i === state.test;
  radio.setAttribute("aria-label", called("test", i, tests.labels));
  newDigit(label).setAttribute("aria-hidden", "true");
  radio.addEventListener("change", () => {
    state.test = i;
    showRows(SIDE / 2);
  });
});

let playing = null;

function showRows(rows) {
  state.rows = rows;
  show();
}

function stopPlaying() {
  clearInterval(playing);
  playing = null;
  byId("play").textContent = "Reveal row by row";
}

byId("rows").max = SIDE;
byId("rows").addEventListener("input", () => {
  stopPlaying();
  const rows = Number(byId("rows").value);
  if (state.mode === "draw") [state.rowsDrawn, state.follow] = [rows, false];
  else state.rows = rows;
  show();
});
byId("half").addEventListener("click", () => {
  stopPlaying();
  showRows(SIDE / 2);
});
byId("play").addEventListener("click", () => {
  if (playing) return stopPlaying();
  byId("play").textContent = "Pause";
  if (state.rows === SIDE) showRows(SIDE / 2);
  playing = setInterval(() => {
    showRows(state.rows + 1);
    if (state.rows === SIDE) stopPlaying();
  }, ROW_TIME);
});

// --- drawing ------------------------------------------------------------------------------------------

const pad = byId("pad");
const pen = { at: [SIDE / 2, 4], down: false, erases: false }; // [column, row], in pixels

function drawPad() {
  drawDigit(pad, state.ink, {
    hiddenFrom: state.rowsDrawn, through: 0.6,
    label: `Your drawing, ${state.ink.reduce((sum, value) => sum + value)} pixels of ink. Arrow keys move the pen, ` +
      "Space puts it down and lifts it.",
  });
  if (document.activeElement !== pad) return;
  const context = pad.getContext("2d");
  context.fillStyle = pen.down ? theme.q : theme.exact;
  context.fillRect(Math.floor(pen.at[0]), Math.floor(pen.at[1]), 1, 1);
}

/** Ink, or erase, along a line: every pixel whose middle lies within the pen's radius. */
function stroke(from, to) {
  const [u, v] = [to[0] - from[0], to[1] - from[1]], squared = u * u + v * v;
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const x = pixel % SIDE + 0.5 - from[0], y = Math.floor(pixel / SIDE) + 0.5 - from[1];
    const share = squared ? Math.max(0, Math.min(1, (x * u + y * v) / squared)) : 0;
    if (Math.hypot(x - share * u, y - share * v) <= PEN) state.ink[pixel] = pen.erases ? 0 : 1;
  }
  pen.at = to;
  inkChanged();
}

function inkChanged() {
  if (state.follow) state.rowsDrawn = Math.floor(state.ink.lastIndexOf(1) / SIDE) + 1;
  showSoon();
}

const onPad = (event) => {
  const box = pad.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * SIDE, (event.clientY - box.top) / box.height * SIDE];
};
let drawing = false;
pad.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  drawing = true;
  pad.setPointerCapture(event.pointerId);
  stroke(onPad(event), onPad(event));
});
pad.addEventListener("pointermove", (event) => {
  if (!drawing) return;
  for (const step of event.getCoalescedEvents?.() ?? []) stroke(pen.at, onPad(step));
  stroke(pen.at, onPad(event));
});
for (const kind of ["pointerup", "pointercancel"]) pad.addEventListener(kind, () => { drawing = false; });
for (const kind of ["focus", "blur"]) pad.addEventListener(kind, drawPad);
pad.addEventListener("keydown", (event) => {
  const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.key in directions) {
    const to = pen.at.map((value, k) =>
      Math.max(0.5, Math.min(SIDE - 0.5, Math.floor(value) + 0.5 + directions[event.key][k])));
    if (pen.down) stroke(pen.at, to);
    else pen.at = to;
  } else if (event.key === " ") {
    pen.down = !pen.down;
    if (pen.down) stroke(pen.at, pen.at);
  } else return;
  event.preventDefault();
  drawPad();
  const [column, row] = pen.at.map((value) => Math.floor(value) + 1);
  say(`Pen ${pen.down ? "down" : "up"}, row ${row}, column ${column}.`);
});

byId("eraser").addEventListener("click", () => {
  pen.erases = !pen.erases;
  show();
});
byId("clear").addEventListener("click", () => {
  state.ink.fill(0);
  [state.follow, pen.erases, pen.down] = [true, false, false];
  inkChanged();
});
byId("centre").addEventListener("click", () => {
  const inked = Array.from(state.ink.keys()).filter((pixel) => state.ink[pixel]);
  if (!inked.length) return;
  const middle = (coordinates) => coordinates.reduce((sum, value) => sum + value + 0.5, 0) / inked.length;
  const right = Math.round(SIDE / 2 - middle(inked.map((pixel) => pixel % SIDE)));
  const down = Math.round(SIDE / 2 - middle(inked.map((pixel) => Math.floor(pixel / SIDE))));
  state.ink.fill(0);
  for (const pixel of inked) {
    const column = pixel % SIDE + right, row = Math.floor(pixel / SIDE) + down;
    if (Math.min(column, row) >= 0 && Math.max(column, row) < SIDE) state.ink[row * SIDE + column] = 1;
  }
  inkChanged();
});
byId("follow").addEventListener("click", () => {
  state.follow = true;
  inkChanged();
});
byId("whole").addEventListener("click", () => {
  [state.rowsDrawn, state.follow] = [SIDE, false];
  show();
});

// --- the state in the address -------------------------------------------------------------------------

const latent = (point) => point.map((value) => value.toFixed(3)).join(",");

function fragment() {
  const parts = new URLSearchParams({ mode: state.mode });
  if (state.mode === "point") {
    if (state.pointer) parts.set("z", latent(state.pointer));
    state.path.forEach((point, i) => parts.set("ab"[i], latent(point)));
  }
  if (state.mode === "digit") parts.set("training", state.digit);
  if (state.mode === "half") parts.set("test", state.test), parts.set("rows", state.rows);
  if (state.mode === "draw") {
    const packed = new Uint8Array(Math.ceil(PIXELS / 8));
    state.ink.forEach((value, pixel) => { packed[pixel >> 3] |= value << (7 - (pixel & 7)); });
    parts.set("ink", btoa(String.fromCharCode(...packed)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""));
    parts.set("rows", state.rowsDrawn);
  }
  const hidden = Array.from(classes.keys()).filter((label) => !state.visible.has(label));
  if (hidden.length) parts.set("hide", hidden.join(","));
  return `#${parts.toString().replaceAll("%2C", ",")}`;
}

let keeping = null;
function keepInFragment() {
  clearTimeout(keeping);
  if (!["file:", "http:", "https:"].includes(location.protocol)) return; // embedded, as in the report: no address
  keeping = setTimeout(() => history.replaceState(null, "", fragment()), FRAGMENT_DELAY);
}

/** Take the state from the address; what is missing or makes no sense there stays as it is. */
function readFragment() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const whole = (name, most) => {
    const value = Number(parts.get(name));
    return parts.has(name) && Number.isInteger(value) && value >= 0 && value <= most ? value : null;
  };
  const point = (name) => {
    const values = (parts.get(name) ?? "").split(",").map(Number);
    return parts.has(name) && values.length === 2 && values.every((value) => Math.abs(value) <= data.reach)
      ? values : null;
  };
  if (!MODES.includes(parts.get("mode"))) return;
  enter(parts.get("mode"));
  if (state.mode === "point") {
    state.pointer = point("z") ?? state.pointer;
    if (point("a")) state.path = [point("a"), point("b")].filter(Boolean);
  }
  state.digit = whole("training", training.pictures.length - 1) ?? state.digit;
  state.test = whole("test", tests.pictures.length - 1) ?? state.test;
  if (state.mode === "half") state.rows = whole("rows", SIDE) ?? state.rows;
  if (state.mode === "draw") {
    if (/^[\w-]+$/.test(parts.get("ink") ?? "") && parts.get("ink").length === Math.ceil(PIXELS / 8 * 4 / 3))
      state.ink = pictures(parts.get("ink").replaceAll("-", "+").replaceAll("_", "/"))[0];
    state.rowsDrawn = whole("rows", SIDE) ?? Math.floor(state.ink.lastIndexOf(1) / SIDE) + 1;
    state.follow = state.rowsDrawn === Math.floor(state.ink.lastIndexOf(1) / SIDE) + 1;
  }
  const hidden = (parts.get("hide") ?? "").split(",").filter(Boolean).map(Number);
  state.visible = new Set(Array.from(classes.keys()).filter((label) => !hidden.includes(label)));
  classBoxes.forEach((box, label) => { box.checked = state.visible.has(label); });
  for (const input of document.getElementsByName("mode")) input.checked = input.value === state.mode;
  for (const [i, radio] of document.getElementsByName("test").entries()) radio.checked = i === state.test;
}

window.addEventListener("hashchange", () => {
  if (location.hash === fragment()) return;
  stopPlaying();
  readFragment();
  show();
});

// --- the start --------------------------------------------------------------------------------------

function dress() {
  readTheme();
  classBoxes.forEach((box, label) => {
    const style = box.nextElementSibling.style;
    style.setProperty("--colour", theme.dots[label]);
    style.setProperty("--on-colour", blackOrWhite(theme.dots[label]));
  });
  document.querySelectorAll("#tests canvas").forEach((canvas, i) => drawDigit(canvas, tests.pictures[i]));
  render();
}

for (const media of ["(prefers-color-scheme: dark)", "print"])
  matchMedia(media).addEventListener("change", dress);
new ResizeObserver(drawPlane).observe(plane);

byId("about").textContent = data.about;
if (data.classifier) {
  const { neighbours, images, right_whole: whole, right_top_half: half } = data.classifier;
  byId("classifier-note").textContent =
    `No classifier was trained. At each point of the plane, the classes of the ${neighbours} training ${data.noun}s ` +
    `placed nearest are counted. Their shares, averaged over the blue, are the probabilities. The likeliest class is right for ` +
    `${whole} of the first ${images.toLocaleString("en")} test ${data.noun}s seen whole, and for ${half} seen by their top half.`;
}
// A first walk, so that the page opens with one: between pictures of two classes, whose codes no name lies upon.
const free = ([x, y]) => Object.values(data.label_places).every((place) =>
  Math.hypot(place[0] - x, place[1] - y) > data.reach / 8);
state.path = [0, 1].map((label) => {
  const some = Array.from(training.pictures.keys()).filter((i) => !training.labels || training.labels[i] === label);
  return guess(some.find((i) => free(guess(i).mean)) ?? some[training.labels ? 0 : label] ?? 0).mean;
});
state.pointer = state.path[0];
readFragment();

// Numbers are asked of the worker one at a time, the latest question first; earlier ones are forgotten.
const worker = new Worker(URL.createObjectURL(new Blob([byId("model").textContent], { type: "text/javascript" })));
let asked = 0, atWork = true, waiting = null;

function send(message) {
  [atWork, waiting] = [Boolean(message), null];
  if (message) worker.postMessage(message);
}

function ask(question) {
  waiting = { task: "numbers", id: ++asked, ...question };
  if (!atWork) send(waiting);
}

worker.onmessage = ({ data: message }) => {
  if (message.progress !== undefined) {
    byId("progress").value = message.progress;
    return;
  }
  if (message.grid) {
    grid = message.grid;
    send(null);
    show();
    return;
  }
  send(waiting);
  if (message.id !== asked || !answer) return;
  answer.found = message.found;
  showNumbers(answer.found);
  if (message.found.closeup && state.mode === "digit") drawCloseup(guess(state.digit), message.found.closeup);
};
worker.postMessage({ task: "grid", decoder, reach: data.reach, size: data.grid_size });
dress();
