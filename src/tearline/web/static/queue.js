// The queue by keyboard. Every key does what a link or a button on the page does, and nothing else.
// Keys are left alone while somebody types, and with Ctrl, Alt or Meta.

const rows = () => [...document.querySelectorAll("[data-row]")];

const move = (step) => {
  const found = rows();
  if (found.length === 0) return press(step > 0 ? "next" : "previous");
  const at = found.indexOf(document.activeElement);
  const to = at < 0 ? (step > 0 ? 0 : found.length - 1) : at + step;
  found[Math.min(Math.max(to, 0), found.length - 1)].focus();
  return true;
};

const press = (name) => {
  const found = document.querySelector(`[data-key="${name}"]`);
  if (!found || found.closest("[hidden]")) return false;
  found.click();
  return true;
};

// A word that needs a reason goes to the field first; Enter there says it. Enter in the field says
// nothing by itself.
let meant = null;

const say = (name) => {
  const button = document.querySelector(`[data-key="${name}"]`);
  if (!button || button.closest("[hidden]")) return false;
  const field = button.form.elements.namedItem("reason");
  if (name !== "approve" && field.value.trim() === "") {
    field.focus();
    meant = button;
    return true;
  }
  button.click();
  return true;
};

const open = () => {
  if (document.activeElement.matches?.("a, button, summary")) return false;
  const first = rows()[0];
  if (!first) return false;
  first.click();
  return true;
};

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  Enter: open,
  y: () => say("approve"),
  n: () => say("refuse"),
  "?": () => say("query"),
  r: () => say("request"),
  u: () => press("up"),
};

const typing = (target) =>
  target.isContentEditable || target.matches?.("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (typing(event.target)) {
    if (event.key === "Escape") {
      meant = null;
      event.target.blur();
    } else if (event.key === "Enter" && meant && event.target.value.trim() !== "") {
      event.preventDefault();
      meant.click();
    }
    return;
  }
  if (KEYS[event.key]?.()) event.preventDefault();
});

for (const each of document.querySelectorAll("[data-keys]")) each.hidden = false;
