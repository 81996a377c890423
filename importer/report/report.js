const box = document.getElementById("search"), output = document.getElementById("found");
if (box) box.addEventListener("input", () => {
  const query = box.value.trim().toLowerCase();
  let matches = 0;
  for (const row of document.querySelectorAll("#rows tbody tr")) {
    row.hidden = !row.textContent.toLowerCase().includes(query);
    matches += !row.hidden;
  }
  output.textContent = query ? matches.toLocaleString("en-IN") + " " + output.dataset.found : "";
});
