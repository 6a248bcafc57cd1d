// Files that are dropped on the form are chosen by it; what is chosen is named.
const area = document.getElementById("dropping");
const input = document.getElementById("files");
const chosen = document.getElementById("chosen");

const name = () => {
  const names = Array.from(input.files, (each) => each.name);
  chosen.textContent = names.length ? names.join(", ") : chosen.dataset.none;
};

for (const kind of ["dragover", "dragenter"]) {
  area.addEventListener(kind, (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
}
area.addEventListener("dragleave", () => area.classList.remove("over"));
area.addEventListener("drop", (event) => {
  event.preventDefault();
  area.classList.remove("over");
  if (event.dataTransfer.files.length) {
    input.files = event.dataTransfer.files;
    name();
  }
});
input.addEventListener("change", name);
name();
