"use strict";
// Cells are sorted by the number in data-sort, else by their text; missing values go last.
const key = (cell) => {
  const text = cell.textContent.trim();
  if (cell.dataset.sort !== undefined) return parseFloat(cell.dataset.sort);
  return text === "–" || text === "" ? null : text;
};
const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");  // a click, Enter and Space all press it
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows].map((row) => [key(row.cells[column]), row]);
      rows.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : compare(a, b) * (down ? -1 : 1)));
      table.tBodies[0].append(...rows.map(([, row]) => row));
    });
  });
}
// A configuration that is clicked is marked wherever it stands; another click removes the mark.
const mark = (name) => {
  for (const part of document.querySelectorAll(`[data-cell="${CSS.escape(name)}"]`)) part.classList.toggle("marked");
};
document.addEventListener("click", (event) => {
  const part = event.target.closest("[data-cell]");
  if (part && !event.target.closest("a, button, summary") && !String(getSelection())) mark(part.dataset.cell);
});
// Copy buttons.
const copied = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // a page without the right to use the clipboard
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
};
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    await copied(document.getElementById(button.dataset.copy).content.textContent);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1500);
  });
}
// A link opens the folded parts that hold its target.
const open = () => {
  const target = document.getElementById(location.hash.slice(1));
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", open);
document.addEventListener("click", (event) => event.target.closest('a[href^="#"]') && setTimeout(open));
open();
// What is folded is printed, except the list of runs. Chromium repeats the heading of a table only if it has no buttons.
const buttons = [...document.querySelectorAll("th button")].map((button) => [button, button.parentElement]);
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details.section, details.notes")) part.open = part.id !== "runs";
  for (const [button] of buttons) button.replaceWith(...button.childNodes);
});
addEventListener("afterprint", () => {
  for (const [button, head] of buttons) {
    button.append(...head.childNodes);
    head.append(button);
  }
});
