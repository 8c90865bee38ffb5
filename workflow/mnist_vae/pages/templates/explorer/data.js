"use strict";
// What the page holds, unpacked, and what is on show.

const byId = (id) => document.getElementById(id);
const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

const data = JSON.parse(byId("data").textContent);
const classes = data.classes; // their names; none where the data set has no labels
const PIXELS = data.pixels, SIDE = Math.sqrt(PIXELS);
const training = unpackedPictures(data.training);
const tests = unpackedPictures(data.tests);
const models = data.models.map(unpackedModel);

const MODES = ["point", "digit", "half", "draw", "film"];

const state = {
  model: models[0],
  mode: "point",
  visible: new Set(classes.keys()),
  behind: new Set(["film"]), // the modes in which decoded pictures lie behind the dots
  pointer: null, // the cross-hair, in latent coordinates
  path: [], // none, one or two points
  digit: training.labels ? Math.max(0, training.labels.indexOf(2)) : 0,
  test: 0,
  rows: SIDE / 2, // seen of the test picture
  ink: new Uint8Array(PIXELS), // the drawing
  rowsDrawn: 0, // seen of it
  follow: true, // they follow the pen
  frame: 0, // of the film; between whole numbers while it runs
};
let answer = null; // the posterior on show, with what is shown of it

/** Numbers from base64 of float16. */
function floats(base64) {
  const halves = new Uint16Array(bytes(base64).buffer);
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1, exponent = half >> 10 & 31, fraction = half & 1023;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
  });
}

/** Pictures, pixels of 0 or 1, from base64 of bits, the first pixel in the highest, each from a byte of its own. */
function unpackedBits(base64) {
  const packed = bytes(base64), size = Math.ceil(PIXELS / 8);
  return Array.from({ length: packed.length / size }, (_, i) =>
    Uint8Array.from({ length: PIXELS }, (_, pixel) => packed[i * size + (pixel >> 3)] >> (7 - (pixel & 7)) & 1));
}

function unpackedPictures({ pictures, labels }) {
  return { pictures: unpackedBits(pictures), labels: labels ? bytes(labels) : null };
}

/** A model, with the codes of the training pictures: (picture, dimension). Its grid is there once a worker has decoded it. */
function unpackedModel({ decoder, mean, log_std, class_counts, film, ...rest }) {
  return {
    ...rest,
    decoder: Object.fromEntries(Object.entries(decoder).map(([name, halves]) => [name, floats(halves)])),
    mean: floats(mean),
    std: floats(log_std).map(Math.exp),
    classCounts: class_counts ? bytes(class_counts) : null, // (grid point, class)
    film: film?.map(({ mean, pictures, ...frame }) => ({ ...frame, mean: floats(mean), pictures: bytes(pictures) })) ?? [],
    grid: null,
    wholes: [], // log p(picture, z) on the grid, of each test picture shown so far
  };
}

/** How a picture is called: "training digit 7, a 3", "training picture 7, coat" or "training picture 7, class 3". */
function called(kind, i, labels) {
  if (!labels) return `${kind} ${data.noun} ${i}`;
  const name = classes[labels[i]];
  const named = /^\d+$/.test(name) ? `class ${name}` : name;
  return `${kind} ${data.noun} ${i}, ${data.noun !== "digit" ? named : name === "8" ? "an 8" : `a ${name}`}`;
}

const shown = (i) => !training.labels || state.visible.has(training.labels[i]);

/** The encoder's q for a training picture. */
function guess(i) {
  const { mean, std } = state.model;
  return { mean: [mean[2 * i], mean[2 * i + 1]], std: [std[2 * i], std[2 * i + 1]] };
}

const written = ([x, y]) => `(${x.toFixed(2)}, ${y.toFixed(2)})`.replaceAll("-", "−");

/** The picture of the mode, and how many of its rows are seen. */
function evidence() {
  if (state.mode === "digit") return { picture: training.pictures[state.digit], rows: SIDE };
  if (state.mode === "half") return { picture: tests.pictures[state.test], rows: state.rows };
  return { picture: state.ink, rows: state.rowsDrawn };
}
