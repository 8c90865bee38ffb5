"use strict";
// The page: pointer, keys and controls, the state in the address, and the start.

const FRAGMENT_DELAY = 250; // milliseconds

// Hints speak of what is in use: a finger, or a mouse or a pen.
const fingers = () => document.documentElement.classList.contains("touch");
document.documentElement.classList.toggle("touch", matchMedia("(hover: none)").matches);
window.addEventListener("pointerdown", ({ pointerType }) => {
  if (fingers() === (pointerType === "touch")) return;
  document.documentElement.classList.toggle("touch");
  showPointer();
}, { capture: true });

// --- the plane ----------------------------------------------------------------------------------------

/** What a click at the point does. */
function act(point) {
  if (state.mode === "point") {
    state.path = state.path.length === 2 ? [point] : [...state.path, point];
    say(`${"AB"[state.path.length - 1]} is ${written(point)}.`);
    showPointer();
    if (state.path.length === 2) beginWalk();
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
  const within = (share) => Math.max(-1, Math.min(1, 2 * share - 1)) * state.model.reach;
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
      Math.max(-state.model.reach, Math.min(state.model.reach, value + step * directions[event.key][k])));
    movePointer(point);
    say(written(point));
  } else if (event.key === "Enter" || event.key === " ") act(from);
  else return;
  event.preventDefault();
});

// --- the controls -------------------------------------------------------------------------------------

for (const input of document.getElementsByName("mode"))
  input.addEventListener("change", () => {
    enter(input.value);
    show();
  });

function enter(mode) {
  for (const one of [walking, revealing, filming]) one.pause();
  state.mode = mode;
  if (mode !== "point") state.pointer = null;
  else state.pointer ??= [0, 0];
  if (mode === "point" && state.path.length === 2) beginWalk();
}

/** A labelled box or radio button, and its text. */
function newChoice(parent, type, text, change) {
  const label = parent.appendChild(document.createElement("label"));
  const input = label.appendChild(document.createElement("input"));
  input.type = type;
  if (text !== null) label.appendChild(document.createElement("span")).textContent = text;
  input.addEventListener("change", change);
  return input;
}

const classBoxes = classes.map((name, label) => {
  const box = newChoice(byId("classes"), "checkbox", name, () => {
    state.visible[box.checked ? "add" : "delete"](label);
    ground = null;
    drawPlane();
    keepInFragment();
  });
  box.checked = true;
  return box;
});

function showClasses(checked) {
  for (const box of classBoxes)
    if (box.checked !== checked) box.click();
}
byId("all-classes").addEventListener("click", () => showClasses(true));
byId("no-classes").addEventListener("click", () => showClasses(false));

byId("behind").addEventListener("change", () => {
  state.behind[byId("behind").checked ? "add" : "delete"](state.mode);
  ground = null;
  drawPlane();
  keepInFragment();
});

const modelRadios = models.map((model) => {
  const radio = newChoice(byId("models"), "radio", model.name, () => {
    useModel(model);
    show();
  });
  radio.name = "model";
  return radio;
});

/** Take another model; its grid is decoded when it is needed first. */
function useModel(model) {
  state.model = model;
  modelRadios.forEach((radio, i) => { radio.checked = models[i] === model; });
  const within = (point) => point.map((z) => Math.max(-model.reach, Math.min(model.reach, z)));
  if (state.pointer) state.pointer = within(state.pointer);
  state.path = state.path.map(within);
  state.frame = Math.min(state.frame, model.film.length - 1);
  byId("about").textContent = model.about;
  byId("precision").textContent = model.precision;
  byId("classifier-note").textContent = model.classifier ?? "";
  askForGrid(model);
}

const testRadios = tests.pictures.map((_, i) => {
  const radio = newChoice(byId("tests"), "radio", null, () => {
    state.test = i;
    showRows(SIDE / 2);
  });
  radio.name = "test";
  radio.checked = i === state.test;
  radio.setAttribute("aria-label", called("test", i, tests.labels));
  newDigit(radio.parentElement).setAttribute("aria-hidden", "true");
  return radio;
});

function showRows(rows) {
  state.rows = rows;
  show();
}

byId("rows").max = SIDE;
byId("rows").addEventListener("input", () => {
  revealing.pause();
  const rows = Number(byId("rows").value);
  if (state.mode === "draw") [state.rowsDrawn, state.follow] = [rows, false];
  else state.rows = rows;
  show();
});
byId("half").addEventListener("click", () => {
  revealing.pause();
  showRows(SIDE / 2);
});

byId("centred").hidden = data.noun !== "digit";
byId("class-choice").hidden = byId("coloured").hidden = !classes.length;
byId("model-choice").hidden = models.length < 2;
document.querySelector("[name=mode][value=film]").parentElement.hidden = !models.every(({ film }) => film.length);

// --- the state in the address -------------------------------------------------------------------------

const latent = (point) => point.map((value) => value.toFixed(3)).join(",");

function fragment() {
  const parts = new URLSearchParams({ mode: state.mode });
  if (state.model !== models[0]) parts.set("model", state.model.name);
  if (state.behind.has(state.mode) !== (state.mode === "film")) parts.set("behind", Number(state.behind.has(state.mode)));
  if (state.mode === "point") {
    if (state.pointer) parts.set("z", latent(state.pointer));
    state.path.forEach((point, i) => parts.set("ab"[i], latent(point)));
  }
  if (state.mode === "digit") parts.set("training", state.digit);
  if (state.mode === "film") parts.set("frame", Math.floor(state.frame));
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
    return parts.has(name) && values.length === 2 && values.every((value) => Math.abs(value) <= state.model.reach)
      ? values : null;
  };
  if (!MODES.includes(parts.get("mode"))) return;
  useModel(models.find(({ name }) => name === parts.get("model")) ?? models[0]);
  enter(parts.get("mode"));
  const behind = parts.has("behind") ? parts.get("behind") === "1" : state.mode === "film";
  state.behind[behind ? "add" : "delete"](state.mode);
  state.frame = whole("frame", state.model.film.length - 1) ?? 0;
  if (state.mode === "point") {
    state.pointer = point("z") ?? state.pointer;
    if (point("a")) state.path = [point("a"), point("b")].filter(Boolean);
  }
  state.digit = whole("training", training.pictures.length - 1) ?? state.digit;
  state.test = whole("test", tests.pictures.length - 1) ?? state.test;
  if (state.mode === "half") state.rows = whole("rows", SIDE) ?? state.rows;
  if (state.mode === "draw") {
    if (/^[\w-]+$/.test(parts.get("ink") ?? "") && parts.get("ink").length === Math.ceil(PIXELS / 8 * 4 / 3))
      state.ink = unpackedBits(parts.get("ink").replaceAll("-", "+").replaceAll("_", "/"))[0];
    state.rowsDrawn = whole("rows", SIDE) ?? Math.floor(state.ink.lastIndexOf(1) / SIDE) + 1;
    state.follow = state.rowsDrawn === Math.floor(state.ink.lastIndexOf(1) / SIDE) + 1;
  }
  const hidden = (parts.get("hide") ?? "").split(",").filter(Boolean).map(Number);
  state.visible = new Set(Array.from(classes.keys()).filter((label) => !hidden.includes(label)));
  classBoxes.forEach((box, label) => { box.checked = state.visible.has(label); });
  for (const input of document.getElementsByName("mode")) input.checked = input.value === state.mode;
  testRadios.forEach((radio, i) => { radio.checked = i === state.test; });
}

window.addEventListener("hashchange", () => {
  if (location.hash === fragment()) return;
  readFragment();
  show();
});

// --- the worker ---------------------------------------------------------------------------------------

// Numbers are asked of the worker one at a time, the latest question first; earlier ones are forgotten.
const worker = new Worker(URL.createObjectURL(new Blob([byId("model").textContent], { type: "text/javascript" })));
const decoding = new Set(); // models whose grids it has been asked for
let asked = 0, atWork = false, waiting = null;

function askForGrid(model) {
  if (decoding.has(model)) return;
  decoding.add(model);
  worker.postMessage({ task: "grid", of: models.indexOf(model), decoder: model.decoder, reach: model.reach, size: data.grid_size });
}

function send() {
  atWork = waiting !== null;
  if (atWork) worker.postMessage(waiting);
  waiting = null;
}

function ask(question) {
  waiting = { task: "numbers", id: ++asked, ...question };
  if (!atWork) send();
}

worker.onmessage = ({ data: { progress, of, grid, id, found } }) => {
  if (progress !== undefined) byId("progress").value = progress;
  else if (grid) {
    models[of].grid = grid;
    if (models[of] === state.model) show();
  } else {
    send();
    if (id !== asked || !answer) return;
    answer.found = found;
    showNumbers();
    if (found.closeup) drawCloseup();
  }
};

// --- the start ----------------------------------------------------------------------------------------

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
// A page around this one, such as the site's, may have a switch of its own between light and dark.
const darkRule = Array.from(document.querySelector("style").sheet.cssRules)
  .find(({ media }) => media?.mediaText.includes("prefers-color-scheme"));
window.addEventListener("message", ({ data: { scheme } }) => {
  if (!["light", "dark"].includes(scheme)) return;
  darkRule.media.mediaText = scheme === "dark" ? "screen" : "not all";
  dress();
});
const redraw = new ResizeObserver(() => {
  drawPlane();
  drawCloseup();
  if (state.mode === "film") showFrame();
});
redraw.observe(plane);

// A first walk, so that the page opens with one: between pictures of two classes, whose codes no name lies upon.
const free = ([x, y]) => Object.values(state.model.label_places).every((place) =>
  Math.hypot(place[0] - x, place[1] - y) > state.model.reach / 8);
state.path = [0, 1].map((label) => {
  const some = Array.from(training.pictures.keys()).filter((i) => !training.labels || training.labels[i] === label);
  return guess(some.find((i) => free(guess(i).mean)) ?? some[training.labels ? 0 : label] ?? 0).mean;
});
state.pointer = state.path[0];
useModel(models[0]);
readFragment();
dress();
if (state.mode === "point") beginWalk();
