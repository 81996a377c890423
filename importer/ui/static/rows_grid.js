// The rows as a grid: move with the keyboard, change a cell, paste a block. The server judges each change and sends back
// the rows that it changed. All texts are put into the page as text.
const table = document.getElementById("rows");
const token = document.querySelector("meta[name=token]").content;
const said = document.getElementById("said");
const offerBox = document.getElementById("offer");
const undoForm = document.getElementById("undo");
let offer = null;
let lastRow = null;
let queue = Promise.resolve();  // one change after another, so that each has seen the one before

const cellsOf = (row) => [...row.querySelectorAll("td[data-column]")];
const focused = () => document.activeElement?.closest?.("#rows td[data-column]");
const textOf = (cell) => cell.querySelector(".text").textContent;
const version = (row) => [Number(row.dataset.number), Number(row.dataset.version)];

function make(name, className, text) {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

function say(text, kind = "") {
  said.textContent = text;
  said.className = `notice ${kind}`;
  said.hidden = !text;
}

// --- draw

function drawCell(cell, data) {
  cell.className = data.level + (data.file === null ? "" : " edited");
  const parts = [make("span", "text", data.text), ...data.why.map((sentence) => make("span", "why", sentence))];
  if (data.file !== null) parts.push(make("span", "was", table.dataset.was.replace("%s", () => data.file || table.dataset.empty)));
  cell.replaceChildren(...parts);
}

function drawRow(data) {
  const row = document.getElementById(`row-${data.number}`);
  if (!row) return;
  row.dataset.version = data.version;
  row.dataset.part = data.part;
  row.classList.toggle("out", data.is_left_out);
  const words = make("span", "word", table.getAttribute(`data-word-${data.part}`));
  row.querySelector(".state").replaceChildren(words, ...data.why.map((sentence) => make("span", "why", sentence)));
  for (const cell of cellsOf(row)) if (!cell.querySelector("input, textarea, select")) drawCell(cell, data.cells[cell.dataset.column]);
}

function draw(changed) {
  changed.rows.forEach(drawRow);
  for (const [part, count] of Object.entries(changed.counts)) {
    const shown = document.querySelector(`[data-count="${part}"]`);
    if (shown) shown.textContent = count.toLocaleString("en-IN");
  }
  undoForm.hidden = !changed.step;
  undoForm.elements.step.value = changed.step ?? "";
  undoForm.querySelector("button").textContent = changed.undo;
  say(changed.said, "ok");
  offer = changed.offer;
  offerBox.hidden = !offer;
  if (offer) offerBox.querySelector("span").textContent = offer.question;
}

// --- change

function put(address, build) {
  queue = queue.then(async () => {
    let response;
    try {
      const headers = { "content-type": "application/json", "x-importer-token": token };
      response = await fetch(address, { method: "PUT", headers, body: JSON.stringify(build()) });
    } catch {
      say(table.dataset.lost, "bad");
      return "failed";
    }
    const answer = await response.json().catch(() => ({ message: table.dataset.lost }));
    if (response.ok) return draw(answer);
    (answer.rows ?? []).forEach(drawRow);
    say(`${answer.message} ${answer.advice ?? ""}`, "bad");
    return "failed";
  });
  return queue;
}

function change(cell, text) {
  const row = cell.parentElement;
  const before = textOf(cell);
  if (text === before) return;
  lastRow = row;
  cell.querySelector(".text").textContent = text;  // at once; the server says what it makes of it
  put(table.dataset.cells, () => ({ row: version(row), column: Number(cell.dataset.column), text })).then((ended) => {
    if (ended === "failed" && textOf(cell) === text) cell.querySelector(".text").textContent = before;
  });
}

function undo() {
  const step = Number(undoForm.elements.step.value);
  if (step) put(table.dataset.step, () => ({ step }));
}

function acceptOffer() {
  const accepted = offer;
  if (accepted && lastRow) put(table.dataset.same, () => ({ row: version(lastRow), offer: accepted }));
}

// --- move

function focus(cell) {
  if (!cell) return;
  table.querySelector("td[tabindex='0']")?.setAttribute("tabindex", "-1");
  cell.tabIndex = 0;
  cell.focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function move(cell, down, right) {
  const row = cell.parentElement;
  const at = cellsOf(row).indexOf(cell) + right;
  let target = row;
  for (let step = Math.abs(down); step && target; step -= 1) target = down > 0 ? target.nextElementSibling : target.previousElementSibling;
  focus(target && cellsOf(target)[at]);
}

function goToProblem(cell) {
  const faulty = [...table.querySelectorAll("tbody td.bad[data-column]")];
  const next = faulty.find((one) => cell.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
  if (next) focus(next);
  else document.getElementById("next-problem")?.click();
}

// --- edit

function edit(cell, list = false) {
  const header = table.querySelector(`thead [data-column="${cell.dataset.column}"]`);
  const options = header.dataset.list ? document.getElementById(header.dataset.list) : null;
  const before = textOf(cell);
  const field = document.createElement(list && options ? "select" : before.includes("\n") ? "textarea" : "input");  // an input joins lines
  if (field.tagName === "SELECT") {
    for (const value of new Set([before, ...[...options.options].map((option) => option.value)])) field.add(new Option(value, value));
  } else if (options && field.tagName === "INPUT") field.setAttribute("list", options.id);
  field.value = before;
  const shown = field.value;  // a field cannot show every character: what was not touched stays as it is
  field.setAttribute("aria-label", header.textContent.trim());
  const others = [...cell.childNodes];
  cell.replaceChildren(field);
  field.focus();
  field.select?.();
  let isOver = false;
  const close = (keep) => {
    if (isOver) return;
    isOver = true;
    const typed = field.value;
    cell.replaceChildren(...others);
    if (keep && typed !== shown) change(cell, typed);
  };
  field.addEventListener("blur", () => close(true));
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") { close(false); focus(cell); event.preventDefault(); }
    if (event.key === "Enter" || event.key === "Tab") {
      close(true);
      event.preventDefault();
      if (event.key === "Enter") { focus(cell); if (!list) move(cell, event.shiftKey ? -1 : 1, 0); } else { focus(cell); move(cell, 0, event.shiftKey ? -1 : 1); }
    }
  });
}

const KEYS = {
  ArrowUp: (cell) => move(cell, -1, 0), ArrowDown: (cell) => move(cell, 1, 0),
  ArrowLeft: (cell) => move(cell, 0, -1), ArrowRight: (cell) => move(cell, 0, 1),
  PageUp: (cell) => move(cell, -10, 0), PageDown: (cell) => move(cell, 10, 0),
  Home: (cell) => focus(cellsOf(cell.parentElement)[0]), End: (cell) => focus(cellsOf(cell.parentElement).at(-1)),
  Enter: (cell) => edit(cell), F2: (cell) => edit(cell),
  Delete: (cell) => change(cell, ""), Escape: () => { say(""); offerBox.hidden = true; },
};

function onKey(event) {
  const cell = focused();
  if (!cell || event.isComposing) return;
  const isCommand = event.ctrlKey || event.metaKey;
  if (event.altKey && event.key === "ArrowDown") edit(cell, true);
  else if (isCommand && event.key.toLowerCase() === "z") undo();
  else if (isCommand || event.altKey) return;
  else if (KEYS[event.key]) KEYS[event.key](cell);
  else if (event.key.toLowerCase() === "n") goToProblem(cell);  // so a letter alone begins no edit: Enter does
  else return;
  event.preventDefault();
}

if (table) {
  table.setAttribute("role", "grid");
  for (const cell of table.querySelectorAll("td[data-column]")) cell.tabIndex = -1;
  const first = table.querySelector("td.bad[data-column]") ?? table.querySelector("td[data-column]");
  if (first) first.tabIndex = 0;
  table.addEventListener("keydown", onKey);
  table.addEventListener("click", (event) => { const cell = event.target.closest("td[data-column]"); if (cell && !cell.querySelector("input, textarea, select")) focus(cell); });
  table.addEventListener("dblclick", (event) => { const cell = event.target.closest("td[data-column]"); if (cell && !cell.querySelector("input, textarea, select")) edit(cell); });
  document.addEventListener("copy", (event) => { const cell = focused(); if (cell && !String(getSelection())) { event.clipboardData.setData("text/plain", textOf(cell)); event.preventDefault(); } });
  document.addEventListener("paste", (event) => {
    const cell = focused();
    if (!cell || cell.querySelector("input, textarea, select")) return;
    event.preventDefault();
    const rows = [];
    for (let row = cell.parentElement; row; row = row.nextElementSibling) rows.push(row);
    const text = event.clipboardData.getData("text/plain");
    lastRow = null;
    put(table.dataset.block, () => ({ rows: rows.map(version), column: Number(cell.dataset.column), text }));
  });
  offerBox.querySelector("button").addEventListener("click", acceptOffer);
  undoForm.addEventListener("submit", (event) => { event.preventDefault(); undo(); });
  const target = location.hash && document.querySelector(`${location.hash} td.bad, ${location.hash} td[data-column]`);
  if (target) focus(target);
}
