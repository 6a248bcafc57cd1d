// "/" leads from everywhere to the field that finds things. Left alone while somebody types.

const form = document.querySelector(".find");
const field = form.elements.namedItem("q");

const typing = (target) =>
  target.isContentEditable || target.matches?.("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey) return;
  if (typing(event.target)) return;
  event.preventDefault();
  field.focus();
  field.select();
});

form.querySelector("kbd").hidden = false;
