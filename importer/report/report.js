const box = document.getElementById("search"), told = document.getElementById("found");
if (box) box.addEventListener("input", () => {
  const wanted = box.value.trim().toLowerCase();
  let found = 0;
  for (const row of document.querySelectorAll("#rows tbody tr")) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    found += !row.hidden;
  }
  told.textContent = wanted ? found.toLocaleString("en-IN") + " found" : "";
});
