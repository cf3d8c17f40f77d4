// The moderators' pages by keys: j and k (or arrows, once a case has the focus) go from case to case, Enter opens one,
// any other key presses or focuses what names it in its data-key. Single keys can be switched off (WCAG 2.2, 2.1.4),
// and that is remembered. Without a script the same links and forms do everything.
"use strict";

const rows = [...document.querySelectorAll("[data-row] [data-open]")];
const shortcuts = document.querySelector("[data-shortcuts]");
const box = document.querySelector("input[data-keys]");
const remembered = "affineur.keys";
const steps = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 };

function recall() {
  try { return localStorage.getItem(remembered) !== "off"; } catch { return true; }
}

function remember(on) {
  try { localStorage.setItem(remembered, on ? "on" : "off"); } catch { /* then it is asked again next time */ }
}

function step(by) {
  const row = document.activeElement.closest("[data-row]");
  const here = rows.findIndex((each) => row?.contains(each));
  const next = here < 0 ? (by > 0 ? 0 : rows.length - 1) : here + by;
  rows[next]?.focus();
}

function press(target) {
  if (target.matches("input, select, textarea")) {
    target.focus();
    target.scrollIntoView({ block: "center" });
    return;
  }
  if (target.matches("summary")) target.focus();
  target.click();
}

function help() {
  shortcuts.open = !shortcuts.open;
  shortcuts.querySelector("summary").focus();
}

function answer(event) {
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
  if (typing && event.key === "Escape") typing.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || (box && !box.checked)) return;
  const arrow = event.key.startsWith("Arrow");
  if (event.key in steps && rows.length && (!arrow || rows.includes(document.activeElement))) {
    step(steps[event.key]);
  } else if (event.key === "?" && shortcuts) {
    help();
  } else {
    const named = `[data-key="${CSS.escape(event.key)}"]`;
    const row = document.activeElement.closest("[data-row]");
    const target = row ? row.querySelector(named) : [...document.querySelectorAll(named)].find((each) => !each.closest("[data-row]"));
    if (!target) return;
    press(target);
  }
  event.preventDefault();
}

if (shortcuts) shortcuts.hidden = false;
if (box) {
  box.checked = recall();
  box.addEventListener("change", () => remember(box.checked));
}
if (location.hash.startsWith("#case-")) document.getElementById(location.hash.slice(1))?.focus();
document.addEventListener("keydown", answer);
