"use strict";
// The pad: a picture drawn by pointer or keys.

const PEN = 1.15; // pixels, its radius: as thick as the strokes of MNIST
const pad = byId("pad");
const pen = { at: [SIDE / 2, 4], down: false, erases: false }; // [column, row], in pixels

function drawPad() {
  drawDigit(pad, state.ink, {
    hiddenFrom: state.rowsDrawn, through: 0.6,
    label: `Your drawing, ${state.ink.reduce((sum, value) => sum + value)} pixels of ink. Arrow keys move the pen, ` +
      "Space puts it down and lifts it.",
  });
  if (!pad.matches(":focus-visible")) return; // the pen is shown to keys; a pointer is one
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
let pressed = false;
pad.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  pressed = true;
  pad.setPointerCapture(event.pointerId);
  stroke(onPad(event), onPad(event));
});
pad.addEventListener("pointermove", (event) => {
  if (!pressed) return;
  for (const step of event.getCoalescedEvents?.() ?? []) stroke(pen.at, onPad(step));
  stroke(pen.at, onPad(event));
});
for (const kind of ["pointerup", "pointercancel"]) pad.addEventListener(kind, () => { pressed = false; });
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

