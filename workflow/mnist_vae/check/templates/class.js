
"use strict";
const table = document.querySelector("#solutions");
const body = table.tBodies[0];
const texts = (row) => [...row.cells].map((cell) => cell.innerText.trim().replace(/\s*\n\s*/g, "; "));

// A click on a column's title sorts by it, numbers as numbers; another turns the order.
[...table.tHead.rows[0].cells].forEach((title, column) => {
  const button = document.createElement("button");
  button.append(...title.childNodes);
  title.append(button);
  button.addEventListener("click", () => {
    const order = title.ariaSort === "ascending" ? "descending" : "ascending";
    for (const other of title.parentNode.cells) other.removeAttribute("aria-sort");
    title.ariaSort = order;
    const sign = order === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row) => [texts(row)[column], row]);
    rows.sort(([one], [other]) => sign * one.localeCompare(other, "en", { numeric: true }));
    body.append(...rows.map(([, row]) => row));
  });
});

// What a spreadsheet would take for a formula is text.
const field = (text) => `"${text.replace(/^(?=[=+@-])/, "'").replaceAll('"', '""')}"`;
const save = document.querySelector("#save");
save.hidden = false;
save.addEventListener("click", () => {
  const lines = [...table.rows].map((row) => texts(row).map(field).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
  link.download = "solutions.csv";
  link.click();
  URL.revokeObjectURL(link.href);
});
