"use strict";
// Beside the plane: pictures, bars and numbers of what is on show.

const STEPS = 10; // pictures along a walk
const DRAWS = 6;
const NEAREST = 8; // training pictures beside a drawing
const DEPTH = 6; // nats below its peak, where the posterior ends in the close-up
const CLOSEUP = 41; // points along a side, decoded where the grid is too coarse
const MOST_LISTED = 10; // classes; of more, the likeliest

const pathStrip = Array.from({ length: STEPS }, () => newDigit(byId("path")));
const drawStrip = Array.from({ length: DRAWS }, () => newDigit(byId("draws")));
const nearestStrip = Array.from({ length: NEAREST }, () => newDigit(byId("nearest")));

// --- the posterior on show ----------------------------------------------------------------------------

const onGrid = ({ values }) => ({ reach: state.model.reach, size: data.grid_size, values });

function wholeOfTest() {
  const { grid, wholes } = state.model;
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

/** The square that holds the posterior to DEPTH below its peak, and q, if given, to three standard deviations. */
function closeupWindow({ mass, count, mostMass }, q) {
  const { reach } = state.model;
  const reaches = [0, 1].map((k) => q ? [q.mean[k] - 3 * q.std[k], q.mean[k] + 3 * q.std[k]] : [Infinity, -Infinity]);
  mass.forEach((value, i) => {
    if (value < mostMass * Math.exp(-DEPTH)) return;
    [i % count, Math.floor(i / count)].forEach((place, k) => {
      const z = (2 * place / (count - 1) - 1) * reach;
      reaches[k] = [Math.min(reaches[k][0], z), Math.max(reaches[k][1], z)];
    });
  });
  const half = 0.55 * Math.max(...reaches.map(([low, high]) => high - low), 4 * reach / (count - 1));
  return reaches.map(([low, high]) => [(low + high) / 2 - half, (low + high) / 2 + half]);
}

/** The exact posterior of z for the picture of the mode, and what is shown of it; null where there is none. */
function solve() {
  answer = null;
  const { grid } = state.model;
  if (!grid || !["digit", "half", "draw"].includes(state.mode)) return;
  const { picture, rows } = evidence();
  answer = { ...posterior(grid, picture, rows), picture, rows };
  answer.mostMass = answer.mass.reduce((most, value) => Math.max(most, value));
  answer.weights = massOnGrid(grid, answer);
  answer.q = state.mode === "digit" ? guess(state.digit) : undefined;
  answer.window = closeupWindow(answer, answer.q);
  if (state.mode !== "digit") answer.draws = spreadPoints(answer, DRAWS);
  if (state.mode === "draw") answer.nearest = nearestTraining(picture, rows);
}

/** Ask the worker for the exact numbers of the posterior on show, unless they are there. */
function askForNumbers() {
  if (!answer || answer.found) return;
  const { picture, rows, q, window } = answer;
  const whole = state.mode === "half" ? onGrid(wholeOfTest()) : undefined;
  ask({ decoder: state.model.decoder, picture, rows, seen: onGrid(answer), whole, q, window, count: CLOSEUP });
}

// --- what each mode shows -----------------------------------------------------------------------------

function showPoint() {
  const { pointer, path, model } = state;
  if (pointer) {
    drawDigit(byId("decoded"), decode(model.decoder, ...pointer), { label: `The decoded picture at ${written(pointer)}` });
    byId("decoded-at").textContent = `z = ${written(pointer)}`;
  }
  const [a, b] = path, verb = fingers() ? "Tap" : "Click";
  byId("path").hidden = path.length < 2;
  byId("walk").closest("figure").hidden = path.length < 2;
  byId("path-caption").textContent = path.length === 2
    ? `From A ${written(a)} to B ${written(b)}. ${verb} again for another walk.`
    : path.length === 1 ? `A is ${written(a)}. ${verb} where the walk should end.` : `${verb} where a walk should begin.`;
  if (path.length < 2) return;
  showWalk();
  pathStrip.forEach((canvas, i) => {
    const point = walkAt(i / (STEPS - 1));
    drawDigit(canvas, decode(model.decoder, ...point), { label: `Step ${i + 1} of ${STEPS}, at ${written(point)}` });
  });
}

function showDigit() {
  const q = guess(state.digit), name = called("training", state.digit, training.labels);
  drawDigit(byId("original"), training.pictures[state.digit], { label: name });
  byId("original-caption").textContent = name;
  drawDigit(byId("reconstruction"), decode(state.model.decoder, ...q.mean), {
    label: `Its reconstruction, at ${written(q.mean)}` });
}

function showHalf() {
  const name = called("test", state.test, tests.labels);
  drawDigit(byId("seen"), tests.pictures[state.test], {
    hiddenFrom: state.rows, label: `The first ${state.rows} rows of ${name}` });
  drawDigit(byId("truth"), tests.pictures[state.test], { label: `The whole of ${name}` });
  byId("truth-figure").hidden = state.rows === SIDE;
  showCompletions();
}

function showDrawing() {
  drawPad();
  byId("eraser").setAttribute("aria-pressed", pen.erases);
  showCompletions();
  const nearest = answer?.nearest ?? [];
  byId("nearest").hidden = !nearest.length;
  byId("nearest-caption").textContent = nearest.length
    ? `The training ${data.noun}s that differ from it in the fewest of the pixels seen` +
      (training.labels ? `: ${nearest.map((i) => classes[training.labels[i]]).join(", ")}` : "") +
      ". Squares mark them on the plane."
    : `The training ${data.noun}s nearest to your drawing will stand here.`;
  nearest.forEach((i, k) => drawDigit(nearestStrip[k], training.pictures[i], {
    hiddenFrom: answer.rows, through: 0.35, label: called("training", i, training.labels) }));
}

/** The rows' count, how they may go on, and what is expected of the rest. */
function showCompletions() {
  const { picture, rows } = evidence();
  byId("rows").value = rows;
  byId("rows").setAttribute("aria-valuetext", `${rows} of ${SIDE} rows`);
  byId("rows-seen").textContent = `${rows} of ${SIDE}`;
  if (!answer) return;
  // What is seen is certain; the rest is the model's. Where all is seen, the model's own picture is shown.
  const finished = rows === SIDE;
  const joined = (means) => finished ? means
    : means.map((mean, pixel) => pixel < rows * SIDE ? picture[pixel] : mean);
  byId("expected-caption").textContent = finished ? "what the model makes of it" : "expected";
  drawDigit(byId("expected"), joined(expectedPicture(state.model.grid, answer.weights)), {
    label: finished ? "What the model makes of it" : "The rows seen, the rest as expected" });
  drawStrip.forEach((canvas, i) => {
    const point = answer.draws[i];
    drawDigit(canvas, joined(decode(state.model.decoder, ...point)), { label: `A completion, from ${written(point)}` });
  });
}

/** A bar for each class, in their order so that none moves; of more than MOST_LISTED, for the likeliest, in theirs. */
function showProbabilities() {
  if (!answer || !classes.length) return;
  const probabilities = classProbabilities(state.model.classCounts, classes.length, answer.weights);
  let listed = Array.from(classes.keys());
  if (classes.length > MOST_LISTED)
    listed = listed.sort((a, b) => probabilities[b] - probabilities[a]).slice(0, MOST_LISTED);
  byId("probabilities").replaceChildren(...listed.map((c) => {
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

function drawCloseup() {
  if (!answer) return;
  const canvas = byId("closeup"), { context, width: size } = fitted(canvas);
  const { q, window: [[left, right], [low, high]], found } = answer;
  const count = found?.closeup ? CLOSEUP : 161;
  const values = found?.closeup ?? evaluateSpline(answer.spline, answer.window, count);
  const peak = values.reduce((most, value) => Math.max(most, value));
  context.drawImage(tinted(values.map((value) => Math.exp(value - peak)), count, 1), 0, 0, size, size);
  const at = ([x, y]) => [(x - left) / (right - left) * size, (high - y) / (high - low) * size];
  context.lineWidth = 2;
  if (q) drawEllipses(context, q, size / (right - left), at);
  context.strokeStyle = theme.text;
  for (const point of answer.draws ?? []) {
    circle(context, at(point), 3.5 * scale());
    context.stroke();
  }
  context.fillStyle = theme.quiet;
  context.font = font(11);
  context.textAlign = "left";
  context.fillText(`${(right - left).toFixed(2)} wide`, 7, size - 7);
  canvas.setAttribute("aria-label", "The exact posterior of z" +
    (q ? `, and the encoder's Gaussian around ${written(q.mean)} with standard deviations ${written(q.std)}` : ""));
}

/** Terms with what the worker found, as value ± error; "…" until it has. */
function showNumbers() {
  const less = (a, b) => a && b && { value: a.value - b.value, error: a.error + b.error };
  const { evidence: seen, whole, elbo: bound } = answer?.found ?? {};
  const terms = state.mode === "digit" ? {
    "log p(picture)": seen,
    "ELBO, by the encoder’s guess": bound,
    "the gap: KL(guess ‖ exact)": less(seen, bound),
  } : state.mode === "half" ? {
    "log p(rows seen)": seen,
    "log p(hidden rows | seen)": less(whole, seen),
  } : { [evidence().rows === SIDE ? "log p(picture)" : "log p(rows seen)"]: seen };
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

// --- all of it ----------------------------------------------------------------------------------------

const sides = { point: showPoint, digit: showDigit, half: showHalf, draw: showDrawing, film: showFrame };

/** Show the state, after it has changed. */
function show() {
  solve();
  render();
  askForNumbers();
}

/** Show the state and its answer as they are. */
function render() {
  document.querySelector("main").dataset.now = state.mode;
  for (const element of document.querySelectorAll("[data-mode]"))
    element.hidden = !element.dataset.mode.split(" ").includes(state.mode);
  byId("classifier").hidden ||= !classes.length;
  byId("preparing").hidden = Boolean(state.model.grid) || ["point", "film"].includes(state.mode);
  byId("behind").checked = state.behind.has(state.mode);
  sides[state.mode]();
  showNumbers();
  showProbabilities();
  drawCloseup();
  ground = null;
  drawPlane();
  keepInFragment();
}

/** A function that calls `draw` in the next frame, once, however often it is called before. */
function soon(draw) {
  let awaited = false;
  return () => {
    if (awaited) return;
    awaited = true;
    requestAnimationFrame(() => {
      awaited = false;
      draw();
    });
  };
}

const showSoon = soon(show);
const showPointer = soon(() => {
  if (state.mode === "point") showPoint();
  drawPlane();
  keepInFragment();
});

const say = (text) => { byId("status").textContent = text; };
