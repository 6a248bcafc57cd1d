// The head of every page: "/" leads from everywhere to the field that finds things, left alone while
// somebody types; of a menu wider than the window one sees where one is.

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

const menu = document.querySelector(".top nav");
const here = menu.querySelector("[aria-current]");
if (here)
  menu.scrollLeft = here.offsetLeft - menu.offsetLeft - (menu.clientWidth - here.offsetWidth) / 2;
