// Enhancement only: every page works without it. Looks for news with the page's tag, and moves the
// focus by keys. It never sends an answer.
"use strict";

const updated = document.getElementById("updated");
const seconds = Number(updated ? updated.dataset.refresh : 0);
let tag = null;

function say(words) {
  if (updated) updated.textContent = words;
}

function swap(page) {
  const fresh = page.getElementById("live");
  const here = document.getElementById("live");
  if (!fresh || !here) return;
  const held = here.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  here.replaceChildren(...fresh.childNodes);
  const stamp = page.getElementById("updated");
  if (updated && stamp) updated.replaceChildren(...stamp.childNodes);
  document.title = page.title;
  // The focus stays on the same line, wherever that line is now.
  if (held) {
    const again = [...here.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === held);
    if (again) again.focus({ preventScroll: true });
  }
  showKeys();
}

async function look() {
  if (document.hidden) return;
  try {
    const headers = tag ? { "If-None-Match": tag } : {};
    const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "error" });
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(String(answer.status));
    tag = answer.headers.get("ETag");
    swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    say("No news since this page was loaded. It may be out of date: reload it.");
  }
}

function showKeys() {
  for (const hint of document.querySelectorAll(".keys")) hint.hidden = false;
}

function step(by) {
  const beside = document.querySelector(by > 0 ? 'main a[rel="next"]' : 'main a[rel="prev"]');
  const lines = [...document.querySelectorAll("main .row-link")];
  if (lines.length) {
    const at = lines.indexOf(document.activeElement);
    const to = at < 0 ? (by > 0 ? 0 : lines.length - 1) : Math.min(Math.max(at + by, 0), lines.length - 1);
    lines[to].focus();
  } else if (beside) {
    location.assign(beside.href);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest("input, textarea, select")) return;
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "a" || event.key === "r") {
    const button = document.querySelector(`button[data-key="${event.key}"]`);
    if (button) button.focus();
  }
});

showKeys();
const result = document.getElementById("result");
if (result) result.focus({ preventScroll: true });
if (seconds > 0 && document.getElementById("live")) setInterval(look, seconds * 1000);
