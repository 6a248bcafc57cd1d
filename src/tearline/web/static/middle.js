// Where a picture is wider than its window, begin in its middle: at what it is about.
for (const frame of document.querySelectorAll(".drawn")) {
  const center = frame.querySelector(".box.center");
  if (center) {
    const box = center.getBoundingClientRect();
    frame.scrollLeft += box.left + box.width / 2 - frame.getBoundingClientRect().left - frame.clientWidth / 2;
  }
}
