"use strict";
// The latent plane: dots, pictures behind them, the posterior, names, and what is marked on it.

const plane = byId("plane"), handle = byId("handle");
const lens = document.createElement("canvas");
const FAINT = 0.4; // of the ink of the pictures behind the dots
const ON_A_DOT = 5; // CSS pixels between the cross-hair and a dot that it shows
let ground = null; // what changes rarely, redrawn only then
let labelBoxes = []; // of the classes' names, on the screen: what nothing else should cover

const toScreen = ([x, y], size) => [(x / state.model.reach + 1) / 2 * size, (1 - y / state.model.reach) / 2 * size];

const newCanvas = () => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = plane.width;
  return canvas;
};

function drawGround() {
  ground = newCanvas();
  const context = ground.getContext("2d"), size = plane.clientWidth;
  context.scale(plane.width / size, plane.width / size);
  context.direction = "ltr";
  if (state.behind.has(state.mode)) drawBehind(context, size);
  drawAxes(context, size);
  drawDots(context, size);
  if (answer) context.drawImage(tinted(answer.mass, answer.count, answer.mostMass), 0, 0, size, size);
  drawNames(context, size);
}

function drawAxes(context, size) {
  const { reach } = state.model;
  context.strokeStyle = theme.line;
  context.fillStyle = theme.quiet;
  context.font = font(11);
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  for (let tick = 2 - Math.ceil(reach / 2) * 2; tick < reach; tick += 2) {
    const [x, y] = toScreen([tick, tick], size);
    context.globalAlpha = tick ? 0.45 : 1;
    context.beginPath();
    context.moveTo(x, 0), context.lineTo(x, size), context.moveTo(0, y), context.lineTo(size, y);
    context.stroke();
    context.globalAlpha = 1;
    context.fillText(String(tick).replace("-", "−"), x + 3, size - 4);
    if (tick) context.fillText(String(tick).replace("-", "−"), 4, y - 3);
  }
}

/** The codes of the training pictures: the encoder's means, in the film those of its frame. */
const codes = () => state.mode === "film" ? filmCodes() : state.model.mean;

function drawDots(context, size) {
  const radius = Math.max(1.5, size / 280), mean = codes();
  context.globalAlpha = ["digit", "half", "draw"].includes(state.mode) ? 0.3 : 0.75;
  for (let i = 0; i < training.pictures.length; i++) {
    if (!shown(i)) continue;
    context.fillStyle = training.labels ? theme.dots[training.labels[i]] : theme.quiet;
    circle(context, toScreen([mean[2 * i], mean[2 * i + 1]], size), radius);
    context.fill();
  }
  context.globalAlpha = 1;
}

/** Pictures from all over the plane, faintly. */
function drawBehind(context, size) {
  if (state.mode === "film") return drawFilmPictures(context, size);
  context.globalAlpha = FAINT;
  context.drawImage(decodedMosaic(), 0, 0, size, size);
  context.globalAlpha = 1;
}

function decodedMosaic() {
  const { model } = state, count = data.mosaic;
  if (model.mosaic?.ink !== theme.ink) {
    const at = (i) => ((2 * i + 1) / count - 1) * model.reach;
    const decoded = Array.from({ length: count * count }, (_, k) =>
      decode(model.decoder, at(k % count), at(Math.floor(k / count))));
    model.mosaic = { ink: theme.ink, canvas: mosaic(count, SIDE, (i, j, pixel) => decoded[j * count + i][pixel]) };
  }
  return model.mosaic.canvas;
}

/** The classes' names, where most of their dots lie. In the film, of which the dots move, there are none. */
function drawNames(context, size) {
  labelBoxes = [];
  if (state.mode === "film") return;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = font(15, 700);
  context.lineJoin = "round";
  context.lineWidth = 4 * scale();
  for (const [label, place] of Object.entries(state.model.label_places)) {
    const name = classes[label], half = [Math.max(7 * scale(), context.measureText(name).width / 2 + 2), 9 * scale()];
    const [x, y] = freePlace(toScreen(place, size), half, size);
    labelBoxes.push([x - half[0], y - half[1], x + half[0], y + half[1]]);
    if (!state.visible.has(Number(label))) continue;
    context.strokeStyle = theme.surface;
    context.strokeText(name, x, y + 1);
    context.fillStyle = theme.labels[label];
    context.fillText(name, x, y + 1);
  }
}

function drawPlane() {
  if (!plane.clientWidth) return; // in a frame not shown yet; it is drawn when it is
  const { context, width: size } = fitted(plane);
  if (!ground || ground.width !== plane.width) drawGround();
  context.drawImage(ground, 0, 0, size, size);
  const at = (point) => toScreen(point, size);
  context.lineWidth = 1.5;
  if (state.mode === "point") drawWalk(context, at, size);
  if (state.mode === "digit") drawEllipses(context, guess(state.digit), size / 2 / state.model.reach, at);
  if (answer) drawMarks(context, at);
  placeHandle(size);
  if (state.pointer) drawPointer(context, at(state.pointer), size);
}

/** The square that the close-up shows, the points drawn, and the nearest training pictures. */
function drawMarks(context, at) {
  const [[left, right], [low, high]] = answer.window;
  const [x, y] = at([left, high]), [u, v] = at([right, low]);
  context.strokeStyle = theme.quiet;
  context.lineWidth = 1;
  context.strokeRect(x, y, u - x, v - y);
  context.lineWidth = 1.5;
  context.strokeStyle = theme.text;
  for (const i of answer.nearest ?? []) {
    const [x, y] = at(guess(i).mean), half = 4 * scale();
    context.strokeRect(x - half, y - half, 2 * half, 2 * half);
  }
  context.fillStyle = theme.surface;
  context.strokeStyle = theme.exact;
  for (const point of answer.draws ?? []) {
    circle(context, at(point), 3.5 * scale());
    context.fill(), context.stroke();
  }
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
  handle.hidden = state.mode !== "point" || !state.pointer;
  if (handle.hidden) return;
  const [x, y] = handlePlace(toScreen(state.pointer, size), size);
  handle.style.left = `${x}px`;
  handle.style.top = `${y}px`;
}

/** Where the letter of a walk's end stands: on its point, or beside it where it would cover a class's name. */
const letterPlace = (point, size) => freePlace(toScreen(point, size), [10 * scale(), 10 * scale()], size);

/** The line from A to B, their letters, and where on it the walk is. */
function drawWalk(context, at, size) {
  context.strokeStyle = context.fillStyle = theme.text;
  if (state.path.length === 2) {
    context.beginPath();
    context.moveTo(...at(state.path[0])), context.lineTo(...at(state.path[1]));
    context.stroke();
    circle(context, at(walkAt(walk.share)), 5 * scale());
    context.fill();
  }
  context.font = font(12, 650);
  context.textAlign = "center";
  context.textBaseline = "middle";
  state.path.forEach((point, i) => {
    const place = letterPlace(point, size);
    context.strokeStyle = theme.text;
    context.beginPath();
    context.moveTo(...at(point)), context.lineTo(...place);
    context.stroke();
    circle(context, place, 9 * scale());
    context.fillStyle = theme.text;
    context.strokeStyle = theme.surface;
    context.fill(), context.stroke();
    context.fillStyle = theme.surface;
    context.fillText("AB"[i], place[0], place[1] + 1);
  });
}

/** The cross-hair; beside it what the decoder draws there, and the picture of the dot that it is on. */
function drawPointer(context, [x, y], size) {
  context.strokeStyle = theme.text;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const [u, v] of [[1, 0], [-1, 0], [0, 1], [0, -1]])
    context.moveTo(x + 3 * u, y + 3 * v), context.lineTo(x + 11 * u, y + 11 * v);
  context.stroke();
  const seen = state.mode === "film" ? [] : [decode(state.model.decoder, ...state.pointer)];
  const dot = dotUnder(state.pointer, size);
  if (dot !== null) {
    const mean = codes();
    circle(context, toScreen([mean[2 * dot], mean[2 * dot + 1]], size), 6);
    context.stroke();
    seen.push(training.pictures[dot]);
  }
  if (seen.length) drawLens(context, [x, y], size, seen);
}

/** Pictures side by side near the cross-hair. */
function drawLens(context, at, size, seen) {
  const height = lensSize(size), width = seen.length * height;
  const place = lensPlace(at, size, [width, height]);
  if (!place) return;
  const [left, top] = place;
  context.imageSmoothingEnabled = false;
  seen.forEach((values, i) => {
    drawDigit(lens, values);
    context.drawImage(lens, left + i * height, top, height, height);
  });
  context.imageSmoothingEnabled = true;
  context.strokeStyle = theme.quiet;
  context.lineWidth = 1;
  for (let i = 0; i < seen.length; i++) context.strokeRect(left + i * height - 0.5, top - 0.5, height + 1, height + 1);
}

const lensSize = (size) => Math.max(56, size / 8);

/** Where near the cross-hair the lens covers no label, end of a walk, or handle; null if nowhere. */
function lensPlace([x, y], size, [width, height]) {
  const box = ([u, v], half) => [u - half, v - half, u + half, v + half];
  const covered = [...labelBoxes, box([x, y], 12)];
  if (state.mode === "point") covered.push(...state.path.map((point) => box(letterPlace(point, size), 10)));
  if (handle.offsetParent) covered.push(box(handlePlace([x, y], size), 22));
  for (const away of [18, 40, 64])
    for (const [u, v] of [[1, -1], [-1, -1], [1, 1], [-1, 1], [0, -1], [1, 0], [-1, 0], [0, 1]]) {
      const left = x + u * (away + width / 2) - width / 2, top = y + v * (away + height / 2) - height / 2;
      const inside = Math.min(left, top) >= 2 && left + width <= size - 2 && top + height <= size - 2;
      if (inside && covered.every(([l, t, r, b]) => r < left || l > left + width || b < top || t > top + height))
        return [left, top];
    }
  return null;
}

/** The training picture whose dot lies nearest to the point; null if no dots are shown. */
function nearestDigit([x, y]) {
  const mean = codes();
  let nearest = null, least = Infinity;
  for (let i = 0; i < training.pictures.length; i++) {
    if (!shown(i)) continue;
    const distance = Math.hypot(mean[2 * i] - x, mean[2 * i + 1] - y);
    if (distance < least) [nearest, least] = [i, distance];
  }
  return nearest;
}

/** The training picture that the cross-hair shows: of the dot that it is on; where a click chooses one, the nearest. */
function dotUnder(point, size) {
  const near = nearestDigit(point);
  if (near === null || state.mode === "digit") return near;
  const mean = codes(), distance = Math.hypot(mean[2 * near] - point[0], mean[2 * near + 1] - point[1]);
  return distance * size / 2 / state.model.reach <= ON_A_DOT ? near : null;
}
