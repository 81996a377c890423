// Sends a chosen or dropped file as it is, then opens its page.
const drop = document.getElementById("drop");
const input = document.getElementById("file");
const bar = document.getElementById("sent");
const status = document.getElementById("upload-status");
const token = document.querySelector("meta[name=token]").content;

function send(file) {
  const request = new XMLHttpRequest();  // fetch tells nothing about what was sent so far
  request.open("PUT", `${drop.dataset.upload}?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("x-importer-token", token);
  request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
  request.onload = () => {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* not from importer: say that it failed */ }
    if (request.status === 200 && answer.url) location.assign(answer.url);
    else fail(answer.message ? `${answer.message} ${answer.advice ?? ""}` : drop.dataset.failed);
  };
  request.onerror = () => fail(drop.dataset.failed);
  bar.hidden = false;
  status.textContent = drop.dataset.sending;
  request.send(file);
}

function fail(text) {
  bar.hidden = true;
  status.textContent = text;
  input.value = "";
}

input.addEventListener("change", () => { if (input.files.length) send(input.files[0]); });
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
});
// A file that misses the box must not replace the page.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
