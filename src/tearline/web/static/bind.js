// Shows a value in elements that say what of it they show. Text only: nothing is read as HTML.
//
//   data-show="a.b"   its text            data-say="a.b"    the word for it, in this language
//   data-if="a.b"     hidden without it   data-unless="…"  hidden with it
//   data-each="a.b"   its template, once for each
//   data-value="a.b"  of a field, a bar   data-state="…"    kept for the style, from data-of
//   data-link="a.b"   to this object      data-width="a.b"  of a bar

const grouped = new Intl.NumberFormat("en");

function at(value, path) {
  return path.split(".").reduce((found, name) => (found == null ? found : found[name]), value);
}

function text(found) {
  if (found == null) return "";
  if (typeof found !== "number") return String(found);
  return grouped.format(found).replaceAll(",", "\u202f");
}

function fill(element, value, words) {
  const { show, say, if: only, unless, value: given, link, of, width } = element.dataset;
  if (show !== undefined) element.textContent = text(at(value, show));
  if (say !== undefined) element.textContent = words.get(String(at(value, say))) ?? text(at(value, say));
  if (only !== undefined) {
    const found = at(value, only);
    element.hidden = !found || (Array.isArray(found) && found.length === 0);
  }
  if (unless !== undefined) element.hidden = Boolean(at(value, unless));
  if (given !== undefined) element.value = at(value, given) ?? "";
  if (of !== undefined) element.dataset.state = text(at(value, of));
  if (width !== undefined) element.setAttribute("width", at(value, width) ?? 0);
  if (link !== undefined) element.href = `/objects/${encodeURIComponent(at(value, link))}`;
}

export function bind(element, value, words) {
  fill(element, value, words);
  const each = element.dataset.each;
  if (each === undefined) {
    for (const child of element.children) if (child.dataset) bind(child, value, words);
    return;
  }
  const template = element.querySelector(":scope > template");
  const shown = (at(value, each) ?? []).map((item) => {
    const made = template.content.cloneNode(true);
    for (const child of made.children) bind(child, item, words);
    return made;
  });
  element.replaceChildren(template, ...shown);
}
