// A long list under a scrollbar that does not lie: the thumb stands where the rows shown stand among
// all. Some forty rows are drawn; the area scrolled is scaled, for browsers cap what an element
// measures. Without this script the same table is there, with plain paging beneath.

const TALLEST = 4_000_000;
const BLOCK = 50;
const KEPT = 60;
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

const seen = (text) =>
  String(text).replace(
    HIDDEN,
    (found) => `⟨U+${found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
const spaced = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
const day = (at) => new Date(at / 1000).toISOString().slice(0, 16).replace("T", " ");

const cell = (content, name = "") => {
  const made = document.createElement("td");
  if (name) made.className = name;
  made.append(content);
  return made;
};

class Rows extends HTMLElement {
  connectedCallback() {
    this.number = Number(this.dataset.number ?? 0);
    this.table = this.querySelector("table");
    this.body = this.table?.tBodies[0];
    if (!this.body || this.number <= this.body.rows.length) return;
    this.at = Number(this.dataset.at);
    this.blocks = new Map();
    this.asked = new Map();
    this.waiting = null;
    this.head = this.table.tHead.rows[0];
    this.area = this.querySelector(".wide");
    this.area.classList.add("rows");
    this.area.setAttribute("role", "group");
    this.area.setAttribute("aria-label", this.dataset.label);
    this.space = document.createElement("div");
    this.space.className = "space";
    this.area.append(this.space);
    this.table.setAttribute("aria-rowcount", String(this.number + 1));
    this.head.setAttribute("aria-rowindex", "1");
    this.said = document.createElement("p");
    this.said.className = "quiet";
    this.said.setAttribute("role", "status");
    this.append(this.said);
    const came = [...this.body.rows];
    this.measure();
    // On paper there is no scrollbar: the part that came with the page.
    window.addEventListener("beforeprint", () => this.body.replaceChildren(...came));
    window.addEventListener("afterprint", () => this.measure());
    this.area.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.area.addEventListener("keydown", (event) => this.pressed(event));
    window.addEventListener("resize", () => this.measure());
  }

  measure() {
    const high = this.body.rows[0]?.offsetHeight || 34;
    const room = this.area.clientHeight - this.head.offsetHeight;
    this.visible = Math.max(Math.min(Math.floor(room / high), 60), 3);
    this.most = Math.max(this.number - this.visible, 0);
    const tall = Math.min(this.number * high + this.head.offsetHeight, TALLEST);
    this.space.style.height = `${Math.max(tall - this.table.offsetHeight, 0)}px`;
    this.go(Math.min(this.at, this.most));
  }

  // Which row is first, by where the thumb stands; and the other way round.
  get reach() {
    return Math.max(this.area.scrollHeight - this.area.clientHeight, 1);
  }

  scrolled() {
    if (this.quietly) {
      this.quietly = false;
      return;
    }
    this.show(Math.round((this.area.scrollTop / this.reach) * this.most));
  }

  go(at) {
    const to = Math.min(Math.max(at, 0), this.most);
    const top = this.most ? (to / this.most) * this.reach : 0;
    if (Math.abs(this.area.scrollTop - top) >= 1) {
      this.quietly = true;
      this.area.scrollTop = top;
    }
    this.show(to);
  }

  show(at) {
    this.at = at;
    this.draw();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.tell(), 200);
    const first = Math.floor(at / BLOCK);
    const last = Math.floor(Math.min(at + this.visible, this.number - 1) / BLOCK);
    const missing = [];
    for (let block = first; block <= last; block += 1) {
      if (!this.blocks.has(block) && !this.asked.has(block)) missing.push(block);
    }
    if (missing.length) this.fetch(missing[0], missing.at(-1));
  }

  // Asks for some blocks at once, and no longer for what was passed by.
  async fetch(first, last) {
    for (const [block, stop] of this.asked) if (Math.abs(block - first) > 2) stop.abort();
    const stop = new AbortController();
    const blocks = [];
    for (let block = first; block <= last; block += 1) blocks.push(block);
    for (const block of blocks) this.asked.set(block, stop);
    const query = this.dataset.query ? `${this.dataset.query}&` : "";
    const rows = blocks.length * BLOCK;
    try {
      const reply = await fetch(`/objects.json?${query}at=${first * BLOCK}&rows=${rows}`, {
        signal: stop.signal,
      });
      if (!reply.ok) return;
      const { objects } = await reply.json();
      for (const [place, block] of blocks.entries()) {
        this.blocks.set(block, objects.slice(place * BLOCK, (place + 1) * BLOCK));
      }
      for (const old of this.blocks.keys()) {
        if (this.blocks.size <= KEPT) break;
        this.blocks.delete(old);
      }
      this.draw();
    } catch (error) {
      if (error.name !== "AbortError") this.said.textContent = this.dataset.failed;
    } finally {
      for (const block of blocks) if (this.asked.get(block) === stop) this.asked.delete(block);
    }
  }

  row(place) {
    return this.blocks.get(Math.floor(place / BLOCK))?.[place % BLOCK];
  }

  draw() {
    const focused = this.focused();
    const made = [];
    for (let place = this.at; place < Math.min(this.at + this.visible + 1, this.number); place += 1) {
      made.push(this.line(place, this.row(place)));
    }
    this.body.replaceChildren(...made);
    if (focused !== null) this.focusOn(focused);
    else if (this.waiting !== null && document.activeElement === this.area) this.focusOn(this.waiting);
  }

  line(place, row) {
    const made = document.createElement("tr");
    made.setAttribute("aria-rowindex", String(place + 2));
    made.dataset.place = String(place);
    if (!row) {
      made.append(cell("…", "name"), ...Array.from({ length: 5 }, () => cell("")));
      return made;
    }
    if (row.revoked) made.className = "revoked";
    const link = document.createElement("a");
    link.href = `/objects/${encodeURIComponent(row.id)}`;
    link.textContent = seen(row.name);
    const came = document.createElement("time");
    came.textContent = day(row.arrived_at);
    const texts = [row.type, row.our_marking ?? row.marking, row.our_grade ?? "-", row.source];
    made.append(cell(link, "name"), ...texts.map((each) => cell(seen(each))), cell(came));
    return made;
  }

  focused() {
    const row = document.activeElement?.closest("tr");
    if (!row || !this.body.contains(row)) return null;
    return Number(row.dataset.place ?? this.at + row.sectionRowIndex);
  }

  focusOn(place) {
    const link = this.body.rows[place - this.at]?.querySelector("a");
    // A row that is still on its way gets the focus when it comes.
    this.waiting = link ? null : place;
    (link ?? this.area).focus({ preventScroll: true });
  }

  pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const focused = this.focused() ?? this.waiting;
    const from = focused ?? this.at;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: this.visible, PageUp: -this.visible };
    let to;
    if (event.key in step) to = from + step[event.key];
    else if (event.key === "Home") to = 0;
    else if (event.key === "End") to = this.number - 1;
    else return;
    event.preventDefault();
    to = Math.min(Math.max(to, 0), this.number - 1);
    if (focused === null) {
      this.go(event.key === "End" ? this.most : to);
      return;
    }
    if (to < this.at) this.go(to);
    else if (to >= this.at + this.visible) this.go(to - this.visible + 1);
    this.focusOn(to);
  }

  // What others read of where we are: the address, the paging beneath, and who listens.
  tell() {
    const query = this.dataset.query ? `${this.dataset.query}&` : "";
    const there = (at) => `/objects?${query}at=${Math.min(Math.max(at, 0), this.most)}`;
    if (this.at !== Number(this.dataset.at)) history.replaceState(null, "", there(this.at));
    this.dataset.at = String(this.at);
    const last = Math.min(this.at + this.visible, this.number);
    const words = [this.at + 1, last, this.number].map(spaced);
    const place = this.dataset.place.replace(/\{(\w+)\}/g, (_, name) => {
      return words[["first", "last", "number"].indexOf(name)];
    });
    this.said.textContent = place;
    const paging = this.parentElement.querySelector(".paging");
    const shown = paging?.querySelector(".place");
    if (shown) shown.textContent = place;
    const turn = { prev: this.at - this.visible, next: this.at + this.visible };
    for (const [name, at] of Object.entries(turn)) {
      const link = paging?.querySelector(`a[rel=${name}]`);
      if (link) link.href = there(at);
    }
  }
}

// What the list can be filtered by, with counts: put in after the page, which does not wait for them.

const made = (tag, ...content) => {
  const element = document.createElement(tag);
  element.append(...content);
  return element;
};

class Facets extends HTMLElement {
  async connectedCallback() {
    const words = JSON.parse(this.dataset.words);
    try {
      const reply = await fetch(this.dataset.at);
      if (!reply.ok) return;
      const { facets } = await reply.json();
      const full = facets.filter((each) => each.values.length > 0);
      this.replaceChildren(...full.map((each) => this.facet(each, words)));
    } catch {
      // The link that stands there leads to the same.
    }
  }

  facet(facet, words) {
    const list = made("ul", ...facet.values.map((each) => this.value(each, facet, words)));
    const found = made("section", made("h2", words[facet.name] ?? facet.name), list);
    found.className = "facet";
    if (facet.further) {
      found.append(made("p", made("small", words.further.replace("{n}", spaced(facet.further)))));
    }
    return found;
  }

  value(each, facet, words) {
    const said = ["came", "revoked", "grade"].includes(facet.name) ? words[each.value] : undefined;
    const name = made("span", said ?? seen(each.value));
    const number = made("b", `${spaced(each.number)}${each.more ? "+" : ""}`);
    const link = made("a", name, " ", number);
    link.href = `/objects?${each.chosen ? facet.without : each.query}`;
    if (each.chosen) link.setAttribute("aria-current", "true");
    return made("li", link);
  }
}

customElements.define("tl-rows", Rows);
customElements.define("tl-facets", Facets);
