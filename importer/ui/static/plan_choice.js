// Counts what another choice would do, each time one changes. The plan itself changes only with the button.
const form = document.getElementById("choice");
const sample = document.getElementById("plan-script").dataset.sample;
let asked = 0;

function show(choice) {
  for (const [action, count] of Object.entries(choice.actions)) {
    const box = document.querySelector(`[data-action="${action}"]`);
    box.hidden = !count;
    box.querySelector("b").textContent = count.toLocaleString("en-IN");
  }
  for (const one of choice.fields) {
    const row = form.querySelector(`[data-field="${one.field}"]`);
    row.querySelector(".effects").textContent = one.effects;
    row.querySelector(".samples").replaceChildren(...one.samples.map(([number, old, now]) => {
      const item = document.createElement("li");
      const values = { "%row": number, "%old": old, "%new": now };
      item.textContent = sample.replace(/%row|%old|%new/g, (name) => values[name]);
      return item;
    }));
  }
  document.getElementById("other").hidden = choice.is_planned;
  document.getElementById("send-form").hidden = !choice.is_planned;
}

form?.addEventListener("change", async () => {
  const mine = ++asked;
  const query = new URLSearchParams([...new FormData(form)].filter(([name]) => name.startsWith("mode:")));
  const response = await fetch(`${form.dataset.count}?${query}`);
  if (response.ok && mine === asked) show(await response.json());
});
