// The rows as a grid: move with the keyboard, change a cell, paste a block. The server judges each change and sends back
// the rows that it changed. All texts are put into the page as text.
const table = document.getElementById("rows");
const token = document.querySelector("meta[name=token]").content;
const said = document.getElementById("said");
const offerBox = document.getElementById("offer");
const undoForm = document.getElementById("undo");
const nextProblem = document.getElementById("next-problem");
const SHOWN_MS = 6000;
const MIN_PINNING_WIDTH = 700;
let offer = null;
let lastRow = null;
let lastCell = null;
let queue = Promise.resolve();  // one change after another, so that each has seen the one before

const cellsOf = (row) => [...row.querySelectorAll("td[data-column]")];
const focused = () => document.activeElement?.closest?.("#rows td[data-column]");
const textOf = (cell) => cell.querySelector(".text").textContent;
const headerOf = (column) => table.querySelector(`thead [data-column="${column}"]`);
const isOpen = (cell) => Boolean(cell.querySelector("input, textarea, select"));
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
  clearTimeout(said.timer);
  if (kind === "ok") said.timer = setTimeout(() => { said.hidden = true; }, SHOWN_MS);
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
  const faulty = cellsOf(row).map((cell) => cell.dataset.column).filter((column) => data.cells[column].level === "bad");
  row.querySelector(".state").replaceChildren(words, ...data.why.map((sentence) => make("span", "why", sentence)), ...faulty.map((column) => makeLink(row, column)));
  addPlaceButton(row);
  for (const cell of cellsOf(row)) if (!isOpen(cell)) drawCell(cell, data.cells[cell.dataset.column]);
}

function makeLink(row, column) {
  const link = make("a", "to-cell", headerOf(column).querySelector("a").textContent);
  link.href = `${row.querySelector("th a").getAttribute("href")}#cell-${column}`;
  link.dataset.to = column;
  return link;
}

function addPlaceButton(row) {  // for a row that cannot go in, or that a person has left out
  const isOut = row.classList.contains("out");
  if (!isOut && row.dataset.part !== "to_fix") return;
  const button = make("button", "place", isOut ? table.dataset.takeBack : table.dataset.leaveOut);
  button.type = "button";
  button.addEventListener("click", () => put(table.dataset.place, () => ({ row: version(row), is_left_out: !isOut })));
  row.querySelector(".state").append(button);
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
  document.getElementById("look-up").disabled = !changed.look_up.rows;
  document.getElementById("look-up-hint").textContent = changed.look_up.hint;
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

function goToProblem(go = focus) {
  const faulty = [...table.querySelectorAll("tbody td.bad[data-column]")];
  const behind = faulty.find((one) => !lastCell || lastCell.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
  const next = behind ?? faulty.find((one) => one !== lastCell);  // all of this page before the next one
  if (next) go(next);
  else queue.then(goToNextPage);  // the last change is saved before
}

function goToNextPage() {
  const address = nextProblem?.href;
  if (address === location.href) location.reload();
  else if (address) location.assign(address);
}

function pinNames() {  // whose row it is stays in view, where there is room for it
  const box = table.parentElement;
  const number = table.querySelector("thead th").offsetWidth;
  box.classList.toggle("pins", box.clientWidth > MIN_PINNING_WIDTH);
  const pinned = box.classList.contains("pins") ? table.querySelector("thead [data-pinned]")?.offsetWidth ?? 0 : 0;
  box.style.setProperty("--number", `${number}px`);
  box.style.setProperty("--fixed", `${number + pinned}px`);
}

function showSideways(cell) {  // without a focus, and the page stays at its top
  const box = table.parentElement;
  const hidden = cell.getBoundingClientRect().right - box.getBoundingClientRect().right;
  if (hidden > 0) box.scrollLeft += hidden + box.offsetWidth - box.clientWidth;
}

// --- edit

function edit(cell, list = false) {
  const header = headerOf(cell.dataset.column);
  const options = header.dataset.list ? document.getElementById(header.dataset.list) : null;
  const before = textOf(cell);
  const field = document.createElement(list && options ? "select" : before.includes("\n") ? "textarea" : "input");  // an input joins lines
  if (field.tagName === "SELECT") {
    for (const value of new Set([before, ...[...options.options].map((option) => option.value), ""])) field.add(new Option(value || table.dataset.empty, value));
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
  field.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (!/[\t\n]./.test(text) || field.tagName === "TEXTAREA") return;
    event.preventDefault();
    event.stopPropagation();
    close(false);
    focus(cell);
    pasteBlock(cell, text);
  });
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") { close(false); focus(cell); event.preventDefault(); }
    if (event.key === "Enter" || event.key === "Tab") {
      close(true);
      event.preventDefault();
      if (event.key === "Enter") { focus(cell); if (!list) move(cell, event.shiftKey ? -1 : 1, 0); } else { focus(cell); move(cell, 0, event.shiftKey ? -1 : 1); }
      lastCell = cell;  // the next problem is the one behind what was changed, also if the focus has moved on past it
    }
  });
  return { field, close };
}

function editByMouse(cell) {
  focus(cell);
  const { field, close } = edit(cell, headerOf(cell.dataset.column).dataset.takes === "one");
  if (field.tagName !== "SELECT") return;
  field.addEventListener("change", () => { close(true); focus(cell); });  // the list is open, so this is a choice
  try { field.showPicker(); } catch { /* an older browser: the list opens by another click */ }
}

function pasteBlock(cell, text) {
  const rows = [];
  for (let row = cell.parentElement; row; row = row.nextElementSibling) rows.push(row);
  lastRow = null;
  put(table.dataset.block, () => ({ rows: rows.map(version), column: Number(cell.dataset.column), text }));
}

function onClick(event) {
  const link = event.target.closest("a.to-cell");
  const cell = link ? link.closest("tr").querySelector(`td[data-column="${link.dataset.to}"]`) : event.target.closest("td[data-column]");
  if (!cell || isOpen(cell) || (!link && String(getSelection()))) return;  // a text that is being selected stays so
  if (link) event.preventDefault();
  editByMouse(cell);
}

const KEYS = {
  ArrowUp: (cell) => move(cell, -1, 0), ArrowDown: (cell) => move(cell, 1, 0),
  ArrowLeft: (cell) => move(cell, 0, -1), ArrowRight: (cell) => move(cell, 0, 1),
  PageUp: (cell) => move(cell, -10, 0), PageDown: (cell) => move(cell, 10, 0),
  Home: (cell) => focus(cellsOf(cell.parentElement)[0]), End: (cell) => focus(cellsOf(cell.parentElement).at(-1)),
  Enter: (cell) => edit(cell), F2: (cell) => edit(cell),
  " ": () => {},  // would scroll the page
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
  else if (event.key.toLowerCase() === "n") goToProblem();  // so a letter alone begins no edit: Enter does
  else return;
  event.preventDefault();
}

if (table) {
  table.setAttribute("role", "grid");
  for (const cell of table.querySelectorAll("td[data-column]")) cell.tabIndex = -1;
  const first = table.querySelector("td.bad[data-column]") ?? table.querySelector("td[data-column]");
  if (first) first.tabIndex = 0;
  for (const row of table.querySelectorAll("tbody tr")) addPlaceButton(row);
  pinNames();
  addEventListener("resize", pinNames);
  if (first?.classList.contains("bad")) showSideways(first);
  table.addEventListener("keydown", onKey);
  table.addEventListener("focusin", () => { lastCell = focused() ?? lastCell; });
  table.addEventListener("click", onClick);
  nextProblem?.addEventListener("click", (event) => { event.preventDefault(); goToProblem(editByMouse); });
  document.addEventListener("copy", (event) => { const cell = focused(); if (cell && !String(getSelection())) { event.clipboardData.setData("text/plain", textOf(cell)); event.preventDefault(); } });
  document.addEventListener("paste", (event) => {
    const cell = focused();
    if (!cell || isOpen(cell)) return;
    event.preventDefault();
    pasteBlock(cell, event.clipboardData.getData("text/plain"));
  });
  offerBox.querySelector("button").addEventListener("click", acceptOffer);
  undoForm.addEventListener("submit", (event) => { event.preventDefault(); undo(); });
  const target = location.hash && document.querySelector(`${location.hash} td.bad, ${location.hash} td[data-column]`);
  if (target) focus(target);
}
