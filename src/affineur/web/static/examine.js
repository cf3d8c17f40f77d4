// Going through the files of a comparison with the keys j and k. They can be switched off, as single keys must be
// (WCAG 2.2, 2.1.4), and that is remembered. Enter opens and closes a file without any script.
"use strict";

const members = [...document.querySelectorAll("details[data-member] > summary")];
const label = document.querySelector("[data-keys]");
const remembered = "affineur.keys";

function recall() {
  try { return localStorage.getItem(remembered) !== "off"; } catch { return true; }
}

function remember(on) {
  try { localStorage.setItem(remembered, on ? "on" : "off"); } catch { /* then it is asked again next time */ }
}

if (label && members.length > 1) {
  const box = label.querySelector("input");
  label.hidden = false;
  box.checked = recall();
  box.addEventListener("change", () => remember(box.checked));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
    if (!box.checked || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { j: 1, k: -1 }[event.key];
    if (!step) return;
    const here = members.findIndex((each) => each.parentElement.contains(document.activeElement));
    const next = here < 0 ? (step > 0 ? 0 : members.length - 1) : here + step;
    if (next < 0 || next >= members.length) return;
    members[next].parentElement.open = true;
    members[next].focus();
    members[next].scrollIntoView({ block: "start" });
    event.preventDefault();
  });
}
