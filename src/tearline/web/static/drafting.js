// Counts anew as terms change. Without it the page has a button that does the same.

import { bind } from "./bind.js";

const form = document.getElementById("terms");
const panels = [...document.querySelectorAll("[data-live]")];
const words = new Map(
  [...document.querySelectorAll("#words data")].map((each) => [each.value, each.textContent]),
);
const TYPING = 200;
let running = null;
let waiting = 0;

function busy(is) {
  for (const each of panels) each.setAttribute("aria-busy", String(is));
}

async function answer(reply) {
  if (!reply.ok || !reply.headers.get("content-type")?.startsWith("application/json")) throw reply;
  const value = await reply.json();
  for (const each of panels) bind(each, value, words);
  const typed = document.getElementById("document");
  if (document.activeElement !== typed) typed.value = value.document;
  return value;
}

async function ask(changed) {
  running?.abort();
  const mine = (running = new AbortController());
  const json = `${location.pathname}.json`;
  busy(true);
  try {
    let first;
    if (changed) {
      const body = new URLSearchParams(new FormData(form));
      body.set("as", "json");
      body.set("count", "sample");
      first = fetch(form.action, { method: "POST", body, signal: mine.signal });
    } else {
      first = fetch(`${json}?count=sample`, { signal: mine.signal });
    }
    const value = await answer(await first);
    if (value.counts && !value.counts.exact) {
      await answer(await fetch(`${json}?count=exact`, { signal: mine.signal }));
    }
    document.documentElement.dataset.counted = String(Number(document.documentElement.dataset.counted ?? 0) + 1);
  } catch (error) {
    if (error?.name !== "AbortError") document.getElementById("unreached").hidden = false;
  } finally {
    if (running === mine) busy(false);
  }
}

function later(event) {
  if (event.target.name === "find") return;
  clearTimeout(waiting);
  const typing = event.type === "input" && !["checkbox", "radio", "select-one", "date"].includes(event.target.type);
  waiting = setTimeout(() => ask(true), typing ? TYPING : 0);
}

if (form) {
  form.addEventListener("input", later);
  if (!document.querySelector("[data-counted]")) ask(false);
}
