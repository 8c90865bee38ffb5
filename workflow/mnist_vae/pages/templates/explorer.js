"use strict";
// The page: what is shown, and what pointer, keys and controls do to it. The mathematics is in model.js.

const byId = (id) => document.getElementById(id);
const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

const data = JSON.parse(byId("data").textContent);
const decoder = Object.fromEntries(
  Object.entries(data.decoder).map(([name, halves]) => [name, floats(halves)]));
const training = {
  pictures: pictures(data.training.pictures),
  labels: bytes(data.training.labels),
  mean: floats(data.training.mean),
  std: floats(data.training.log_std).map(Math.exp),
};
const tests = { pictures: pictures(data.tests.pictures), labels: bytes(data.tests.labels) };

const STEPS = 10; // pictures along a walk
const DRAWS = 6;
const ROW_TIME = 450; // milliseconds, when rows are revealed by themselves
const DEPTH = 6; // nats below its peak, where the posterior ends in the close-up

const state = {
  mode: "point",
  visible: new Set(Array(10).keys()),
  pointer: null, // the cross-hair, in latent coordinates
  path: [], // none, one or two points
  digit: Math.max(0, training.labels.indexOf(2)),
  test: 0,
  rows: SIDE / 2,
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
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  // On a dark ground black turns to ink, and the others grow lighter.
  theme.digits = data.colours.map((hex) => !dark ? hex : /^#0+$/.test(hex) ? theme.ink : mix(hex, "#ffffff", 0.3));
}

const channels = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));

function mix(from, to, share) {
  const target = channels(to);
  return `rgb(${channels(from).map((value, i) => Math.round(value + share * (target[i] - value))).join(" ")})`;
}

// --- pictures of digits -----------------------------------------------------------------------------

/** A picture as ink on paper; rows from `hiddenFrom` on are covered. */
function drawDigit(canvas, values, { label, hiddenFrom = SIDE } = {}) {
  canvas.width = canvas.height = SIDE;
  if (label) canvas.setAttribute("aria-label", label);
  const [paper, ink, hidden] = [theme.paper, theme.ink, theme.hidden].map(channels);
  const image = new ImageData(SIDE, SIDE);
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const covered = pixel >= hiddenFrom * SIDE;
    for (let k = 0; k < 3; k++)
      image.data[4 * pixel + k] = covered ? hidden[k] : paper[k] + values[pixel] * (ink[k] - paper[k]);
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
const lens = document.createElement("canvas");

// --- the plane --------------------------------------------------------------------------------------

const plane = byId("plane");
let ground = null; // dots and posterior, redrawn only when they change

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
  for (let i = 0; i < training.labels.length; i++) {
    if (!state.visible.has(training.labels[i])) continue;
    context.globalAlpha = faded ? 0.3 : 0.75;
    context.fillStyle = theme.digits[training.labels[i]];
    circle(context, toScreen(guess(i).mean, size), radius);
    context.fill();
  }

  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = "650 13px system-ui, sans-serif";
  context.globalAlpha = faded ? 0.5 : 1;
  for (const [digit, place] of Object.entries(data.label_places)) {
    if (!state.visible.has(Number(digit))) continue;
    circle(context, toScreen(place, size), 10);
    context.fillStyle = theme.surface;
    context.fill();
    context.strokeStyle = context.fillStyle = theme.digits[digit];
    context.lineWidth = 1.5;
    context.stroke();
    context.fillText(digit, ...toScreen(place, size).map((k, axis) => k + axis));
  }
  context.globalAlpha = 1;
  if (faded && answer)
    context.drawImage(tinted(answer.mass, answer.count, answer.mostMass), 0, 0, size, size);
}

function drawPlane() {
  const { context, size } = fitted(plane);
  if (!ground || ground.width !== plane.width) drawGround();
  context.drawImage(ground, 0, 0, size, size);
  const at = (point) => toScreen(point, size);
  context.lineWidth = 1.5;
  if (state.mode === "point") drawWalk(context, at);
  if (state.mode === "digit") {
    const q = guess(state.digit);
    drawEllipses(context, q, size / 2 / data.reach, at);
    const [[left, right], [low, high]] = closeup;
    const [x, y] = at([left, high]), [u, v] = at([right, low]);
    context.strokeStyle = theme.quiet;
    context.lineWidth = 1;
    context.strokeRect(x, y, u - x, v - y);
  }
  if (state.mode === "half" && answer)
    for (const point of answer.draws) {
      circle(context, at(point), 3.5);
      context.fillStyle = theme.surface;
      context.strokeStyle = theme.exact;
      context.fill(), context.stroke();
    }
  if (state.pointer) drawPointer(context, at(state.pointer), size);
}

function drawWalk(context, at) {
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
    circle(context, at(point), 9);
    context.fillStyle = theme.text;
    context.strokeStyle = theme.surface;
    context.fill(), context.stroke();
    context.fillStyle = theme.surface;
    context.fillText("AB"[i], ...at(point).map((k, axis) => k + axis));
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
  const width = Math.max(72, size / 8), away = 18;
  const left = x + away + width > size ? x - away - width : x + away;
  const top = Math.max(2, y - away - width);
  drawDigit(lens, decode(decoder, ...state.pointer));
  context.imageSmoothingEnabled = false;
  context.drawImage(lens, left, top, width, width);
  context.imageSmoothingEnabled = true;
  context.strokeStyle = theme.quiet;
  context.lineWidth = 1;
  context.strokeRect(left - 0.5, top - 0.5, width + 1, width + 1);
}

function nearestDigit([x, y]) {
  let nearest = null, least = Infinity;
  for (let i = 0; i < training.labels.length; i++) {
    if (!state.visible.has(training.labels[i])) continue;
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
    ? `From A ${written(a)} to B ${written(b)}. Click anew for another walk.`
    : path.length === 1 ? `A is ${written(a)}. Click where the walk should end.` : "Click where a walk should begin.";
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
  const q = guess(state.digit), label = training.labels[state.digit];
  closeup = closeupWindow(q);
  drawDigit(byId("original"), training.pictures[state.digit], { label: `Training digit ${state.digit}, a ${label}` });
  byId("original-caption").textContent = `training digit ${state.digit}, a ${label}`;
  drawDigit(byId("reconstruction"), decode(decoder, ...q.mean), { label: `Its reconstruction, at ${written(q.mean)}` });
  drawCloseup(q);
  if (!answer) return;
  const kl = divergence(answer, q);
  listNumbers(byId("digit-numbers"), {
    "log p(picture), exact": answer.logEvidence,
    "ELBO, what the guess makes of it": answer.logEvidence - kl,
    "the gap: KL(guess ‖ exact)": kl,
  });
}

function drawCloseup(q) {
  const canvas = byId("closeup"), { context, size } = fitted(canvas);
  const [[left, right], [low, high]] = closeup;
  const count = 161;
  if (answer) {
    const values = evaluateSpline(answer.spline, [[left, right], [low, high]], count);
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
  const picture = tests.pictures[state.test], label = tests.labels[state.test];
  const name = `test digit ${state.test}, a ${label}`;
  drawDigit(byId("seen"), picture, { hiddenFrom: state.rows, label: `The first ${state.rows} rows of ${name}` });
  drawDigit(byId("truth"), picture, { label: `The whole of ${name}` });
  byId("rows").value = state.rows;
  byId("rows").setAttribute("aria-valuetext", `${state.rows} of ${SIDE} rows`);
  byId("rows-seen").textContent = `${state.rows} of ${SIDE}`;
  if (!answer) return;
  // What is seen is certain; the rest is the model's.
  const joined = (means) => means.map((mean, pixel) => pixel < state.rows * SIDE ? picture[pixel] : mean);
  drawDigit(byId("expected"), joined(expectedPicture(grid, answer)), { label: "The rows seen, the rest as expected" });
  drawStrip.forEach((canvas, i) => {
    const point = answer.draws[i];
    drawDigit(canvas, joined(decode(decoder, ...point)), { label: `A completion, from ${written(point)}` });
  });
  listNumbers(byId("half-numbers"), {
    "log p(hidden rows | seen), exact": answer.logWhole - answer.logEvidence,
  });
}

function listNumbers(list, numbers) {
  list.replaceChildren(...Object.entries(numbers).flatMap(([term, value]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = term;
    dd.textContent = `${value.toFixed(2).replace("-", "−")} nats`;
    return [dt, dd];
  }));
}

const wholeEvidence = []; // log p of each test digit shown so far

/** The posterior that the mode calls for. */
function solve() {
  answer = null;
  if (!grid || state.mode === "point") return;
  const whole = state.mode === "digit";
  const picture = whole ? training.pictures[state.digit] : tests.pictures[state.test];
  answer = posterior(grid, picture, whole ? SIDE : state.rows);
  answer.mostMass = answer.mass.reduce((most, value) => Math.max(most, value));
  if (whole) return;
  answer.draws = spreadPoints(answer, DRAWS);
  answer.logWhole = wholeEvidence[state.test] ??= posterior(grid, picture, SIDE).logEvidence;
}

const panels = { point: showPoint, digit: showDigit, half: showHalf };

/** Show the state anew; the posterior too, unless only the pointer moved. */
function show() {
  solve();
  for (const section of document.querySelectorAll("section")) section.hidden = section.dataset.mode !== state.mode;
  byId("preparing").hidden = grid !== null || state.mode === "point";
  panels[state.mode]();
  ground = null;
  drawPlane();
}

let awaited = false;
function showPointer() {
  if (awaited) return;
  awaited = true;
  requestAnimationFrame(() => {
    awaited = false;
    if (state.mode === "point") showPoint();
    drawPlane();
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
    if (near === null) return say("No digits are shown: choose some below the plane.");
    state.digit = near;
    say(`Training digit ${near}, a ${training.labels[near]}.`);
    show();
  }
}

function latentAt(event) {
  const box = plane.getBoundingClientRect();
  const within = (share) => Math.max(-1, Math.min(1, 2 * share - 1)) * data.reach;
  return [within((event.clientX - box.left) / box.width), within(1 - (event.clientY - box.top) / box.height)];
}

function movePointer(point) {
  state.pointer = point;
  showPointer();
}

plane.addEventListener("pointermove", (event) => movePointer(latentAt(event)));
plane.addEventListener("pointerdown", (event) => movePointer(latentAt(event)));
plane.addEventListener("click", (event) => act(latentAt(event)));
plane.addEventListener("pointerleave", () => {
  if (state.mode !== "point") movePointer(null);
});
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
    state.mode = input.value;
    if (state.mode !== "point") state.pointer = null;
    else state.pointer ??= [0, 0];
    show();
  });

const classBoxes = Array.from({ length: 10 }, (_, digit) => {
  const label = byId("classes").appendChild(document.createElement("label"));
  const box = label.appendChild(document.createElement("input"));
  const name = label.appendChild(document.createElement("span"));
  box.type = "checkbox";
  box.checked = true;
  name.textContent = digit;
  box.addEventListener("change", () => {
    state.visible[box.checked ? "add" : "delete"](digit);
    ground = null;
    drawPlane();
  });
  return box;
});

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
  radio.setAttribute("aria-label", `test digit ${i}, a ${tests.labels[i]}`);
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

byId("rows").addEventListener("input", () => {
  stopPlaying();
  showRows(Number(byId("rows").value));
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

// --- the start --------------------------------------------------------------------------------------

function dress() {
  readTheme();
  classBoxes.forEach((box, digit) => {
    const style = box.nextElementSibling.style, [r, g, b] = theme.digits[digit].match(/^#/)
      ? channels(theme.digits[digit]) : theme.digits[digit].match(/\d+/g).map(Number);
    style.setProperty("--colour", theme.digits[digit]);
    style.setProperty("--on-colour", 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#000" : "#fff");
  });
  document.querySelectorAll("#tests canvas").forEach((canvas, i) => drawDigit(canvas, tests.pictures[i]));
  show();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
new ResizeObserver(drawPlane).observe(plane);

byId("about").textContent = data.about;
// A first walk, so that the page opens with one: between the first 0 and the first 1.
state.path = [0, 1].map((label) => guess(Math.max(0, training.labels.indexOf(label))).mean);
state.pointer = state.path[0];
dress();

const worker = new Worker(URL.createObjectURL(new Blob([byId("model").textContent], { type: "text/javascript" })));
worker.onmessage = ({ data: message }) => {
  if (message.progress !== undefined) {
    byId("progress").value = message.progress;
    return;
  }
  grid = message.grid;
  worker.terminate();
  show();
};
worker.postMessage({ decoder, reach: data.reach, size: data.grid_size });
