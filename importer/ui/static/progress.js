// Shows the progress of a run. Each event is the whole state, so a connection that was lost has missed nothing.
const page = document.getElementById("progress");
const show = (id, text) => { document.getElementById(id).textContent = text; };
const bar = document.getElementById("bar");
const wait = document.getElementById("wait");
const source = new EventSource(page.dataset.events);

source.onmessage = (event) => {
  const progress = JSON.parse(event.data);
  if (progress.next) {
    source.close();
    location.replace(progress.next);
    return;
  }
  show("title", progress.title);
  show("line", progress.line);
  show("wait", progress.wait);
  wait.hidden = !progress.wait;
  if (progress.share >= 0) bar.value = progress.share;
  else bar.removeAttribute("value");
};
source.onerror = () => {
  wait.hidden = false;
  show("wait", page.dataset.lost);
};
