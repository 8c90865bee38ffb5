"use strict";
// What moves: the walk from A to B and back, the rows revealed one by one, and the film of the training.

const WALK_TIME = 3500; // milliseconds from A to B
const FRAME_TIME = 1600; // milliseconds from one frame of the film to the next
const ROW_TIME = 450; // milliseconds a row
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Something that runs, and a button that pauses it. `advance` is called with the milliseconds since it was called
 * last, once a frame, while the mode is its own; it returns whether there is more to come.
 */
function motion(button, mode, start, advance) {
  let last = null, frame = 0;
  const step = (now) => {
    const more = state.mode === mode && advance(last === null ? 0 : Math.min(now - last, 100));
    last = now;
    frame = more ? requestAnimationFrame(step) : 0;
    label();
  };
  const label = () => { button.textContent = frame ? "Pause" : start; };
  const own = {
    get runs() { return frame !== 0; },
    run() {
      if (frame) return;
      last = null;
      frame = requestAnimationFrame(step);
      label();
    },
    pause() {
      cancelAnimationFrame(frame);
      frame = 0;
      label();
    },
  };
  label();
  return own;
}

// --- the walk -----------------------------------------------------------------------------------------

const walk = { share: 0, way: 1 };

const walkAt = (share) => [0, 1].map((k) => (1 - share) * state.path[0][k] + share * state.path[1][k]);

function showWalk() {
  const point = walkAt(walk.share);
  drawDigit(byId("walk"), decode(state.model.decoder, ...point), { label: "The picture on the way from A to B" });
}

const walking = motion(byId("run-walk"), "point", "Walk", (time) => {
  if (state.path.length < 2) return false;
  walk.share += walk.way * time / WALK_TIME;
  if (walk.share <= 0 || walk.share >= 1) walk.way = walk.share <= 0 ? 1 : -1;
  walk.share = Math.max(0, Math.min(1, walk.share));
  showWalk();
  drawPlane();
  return true;
});

byId("run-walk").addEventListener("click", () => walking.runs ? walking.pause() : walking.run());

function beginWalk() {
  [walk.share, walk.way] = [0, 1];
  if (!stillness.matches) walking.run();
}

// --- rows, one by one ---------------------------------------------------------------------------------

let waited = 0; // milliseconds since the last row
const revealing = motion(byId("play"), "half", "Reveal row by row", (time) => {
  waited += time;
  if (waited >= ROW_TIME) {
    waited = 0;
    state.rows++;
    show();
  }
  return state.rows < SIDE;
});

byId("play").addEventListener("click", () => {
  if (revealing.runs) return revealing.pause();
  waited = 0;
  if (state.rows === SIDE) showRows(SIDE / 2);
  revealing.run();
});

// --- the film -----------------------------------------------------------------------------------------

/** The frames before and after the film's place, and the share of the way between them. */
function framesNow() {
  const { film } = state.model, first = Math.min(Math.floor(state.frame), film.length - 1);
  return { first: film[first], second: film[Math.min(first + 1, film.length - 1)], share: state.frame - first };
}

function filmCodes() {
  const { first, second, share } = framesNow();
  return share ? first.mean.map((value, i) => value + share * (second.mean[i] - value)) : first.mean;
}

/** A frame's pictures, 16 shades of ink, two pixels in a byte. */
function framePictures(frame) {
  if (frame.mosaic?.ink !== theme.ink) {
    const { mosaic: count, tile } = data;
    const shade = (place) => (place % 2 ? frame.pictures[place >> 1] & 15 : frame.pictures[place >> 1] >> 4) / 15;
    frame.mosaic = {
      ink: theme.ink,
      canvas: mosaic(count, tile, (i, j, pixel) => shade((j * count + i) * tile * tile + pixel)),
    };
  }
  return frame.mosaic.canvas;
}

function drawFilmPictures(context, size) {
  const { first, second, share } = framesNow();
  for (const [frame, opacity] of [[first, 1 - share], [second, share]]) {
    if (!opacity) continue;
    context.globalAlpha = FAINT * opacity;
    context.drawImage(framePictures(frame), 0, 0, size, size);
  }
  context.globalAlpha = 1;
}

function showFrame() {
  const { film } = state.model, { first } = framesNow();
  byId("frame").max = film.length - 1;
  byId("frame").value = Math.floor(state.frame);
  byId("frame").setAttribute("aria-valuetext", `after epoch ${first.epoch}`);
  byId("epoch").textContent = first.epoch;
  byId("chart-images").textContent = first.images.toLocaleString("en");
  drawChart(film, first);
}

/** Bound and log p(x) over the epochs; the frame's are marked, and written. */
function drawChart(film, now) {
  const { context, width, height } = fitted(byId("chart"));
  const values = film.flatMap(({ neg_elbo, neg_log_px }) => [neg_elbo, neg_log_px]);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const unit = scale(), [left, top] = [44 * unit, 16 * unit], [across, down] = [width - 104 * unit, height - 44 * unit];
  const log = (epoch) => Math.log(epoch), [from, to] = [log(film[0].epoch), log(film.at(-1).epoch)];
  const at = (epoch, value) => [
    left + across * (to > from ? (log(epoch) - from) / (to - from) : 0.5),
    top + down * (most > least ? (most - value) / (most - least) : 0.5)];
  context.font = font(12);
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  context.fillStyle = theme.quiet;
  for (const { epoch } of film) context.fillText(epoch, at(epoch, least)[0], height - 6 * unit);
  context.textAlign = "right";
  for (const value of [least, most]) context.fillText(value.toFixed(0), left - 8 * unit, at(now.epoch, value)[1] + 4 * unit);
  context.textAlign = "left";
  for (const [name, colour] of [["neg_elbo", theme.q], ["neg_log_px", theme.exact]]) {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2;
    context.beginPath();
    for (const frame of film) context.lineTo(...at(frame.epoch, frame[name]));
    context.stroke();
    for (const frame of film) {
      circle(context, at(frame.epoch, frame[name]), (frame === now ? 6 : 2.5) * unit);
      context.fill();
    }
    const [x, y] = at(now.epoch, now[name]);
    context.fillText(now[name].toFixed(1), x + 9 * unit, y + (name === "neg_elbo" ? -5 : 15) * unit);
  }
  byId("chart").setAttribute("aria-label", `After epoch ${now.epoch}, −ELBO is ${now.neg_elbo.toFixed(2)} nats and ` +
    `exact −log p(x) is ${now.neg_log_px.toFixed(2)} nats per image`);
}

function showFilmAt(frame) {
  state.frame = frame;
  ground = null;
  showFrame();
  drawPlane();
}

let since = 0; // milliseconds since the film's beginning
const filming = motion(byId("run-film"), "film", "Play", (time) => {
  const last = state.model.film.length - 1;
  since += time;
  const frame = Math.min(last, since / FRAME_TIME);
  showFilmAt(stillness.matches ? Math.floor(frame) : frame);
  if (state.frame === last) keepInFragment();
  return state.frame < last;
});

byId("run-film").addEventListener("click", () => {
  if (filming.runs) return filming.pause();
  const last = state.model.film.length - 1;
  if (state.frame >= last) state.frame = 0;
  since = state.frame * FRAME_TIME;
  filming.run();
});
byId("frame").addEventListener("input", () => {
  filming.pause();
  showFilmAt(Number(byId("frame").value));
  keepInFragment();
});
