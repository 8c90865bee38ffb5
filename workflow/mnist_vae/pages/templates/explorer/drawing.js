"use strict";
// Colours, and the drawing of pictures and of densities on canvases.

let theme;

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  theme = Object.fromEntries(
    ["surface", "text", "quiet", "line", "paper", "ink", "hidden", "exact", "q"].map((name) => [name, colour(name)]));
  theme.dots = data.colours[blackOrWhite(theme.surface) === "#ffffff" ? "dark" : "light"];
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

/** Fit a canvas's pixels to the screen's; returns its context, in CSS pixels, its width and its height. */
function fitted(canvas) {
  const width = canvas.clientWidth, height = canvas.clientHeight, ratio = devicePixelRatio || 1;
  const [columns, rows] = [width, height].map((length) => Math.round(length * ratio));
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.direction = "ltr"; // of "−2" and "0.91 wide", whichever way the page reads
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** CSS pixels for one of a screen of ordinary size: type and marks grow with the page's. */
const scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
const font = (size, weight = 400) => `${weight} ${size * scale()}px system-ui, sans-serif`;

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

function drawEllipses(context, { mean, std }, length, centre) {
  context.strokeStyle = theme.q;
  for (const width of [1, 2]) {
    context.beginPath();
    context.ellipse(...centre(mean), width * std[0] * length, width * std[1] * length, 0, 0, 2 * Math.PI);
    context.stroke();
  }
}

/**
 * Pictures, `tile` pixels a side, in a square of `count` x `count`, as one image of ink: `inkAt(i, j, pixel)` of the
 * picture in column i from the left and line j from the bottom.
 */
function mosaic(count, tile, inkAt) {
  const canvas = document.createElement("canvas"), size = count * tile;
  canvas.width = canvas.height = size;
  const image = new ImageData(size, size), ink = channels(theme.ink);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const k = 4 * (y * size + x), pixel = y % tile * tile + x % tile;
      image.data.set(ink, k);
      image.data[k + 3] = 255 * inkAt(Math.floor(x / tile), count - 1 - Math.floor(y / tile), pixel);
    }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
