// Drag over the bars to choose a time: it goes into the address, as a click on a bar does.
const bars = document.querySelector("svg.bars");
const DAY = 86_400_000;

/** The day under a place of the pointer, as it is written. */
const dayAt = (event) => {
  const box = bars.getBoundingClientRect();
  const left = (Number(bars.dataset.left) / bars.viewBox.baseVal.width) * box.width;
  const share = Math.min(Math.max((event.clientX - box.left - left) / (box.width - left), 0), 1);
  const first = Date.parse(bars.dataset.first);
  const days = (Date.parse(bars.dataset.last) - first) / DAY + 1;
  return new Date(first + Math.min(Math.floor(share * days), days - 1) * DAY).toISOString().slice(0, 10);
};

/** Follow the pointer from where it goes down to where it goes up. */
const follow = (down) => {
  if (down.button !== 0) return;
  const box = bars.getBoundingClientRect();
  const scale = bars.viewBox.baseVal.width / box.width;
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  mark.setAttribute("class", "brush");
  mark.setAttribute("y", "0");
  mark.setAttribute("height", String(bars.viewBox.baseVal.height));
  let dragged = false;
  const move = (event) => {
    const [from, to] = [down.clientX, event.clientX].sort((one, other) => one - other);
    dragged = dragged || to - from > 6;
    if (!dragged) return;
    mark.setAttribute("x", String((from - box.left) * scale));
    mark.setAttribute("width", String((to - from) * scale));
    bars.append(mark);
  };
  const up = (event) => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", up);
    mark.remove();
    if (!dragged) return;
    addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true });
    const to = new URL(location.href);
    const [first, last] = [dayAt(down), dayAt(event)].sort();
    to.searchParams.set("from", first);
    to.searchParams.set("to", last);
    location.assign(to);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", up);
};

if (bars) {
  bars.addEventListener("pointerdown", follow);
  bars.addEventListener("dragstart", (event) => event.preventDefault());
}
