// What pages can do with a script and do well without: copy a command, remember which tool you use.
"use strict";

const said = document.getElementById("copied");

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      said.textContent = "Copied.";
      button.classList.add("done");
    } catch {
      said.textContent = "Your browser does not allow copying here. Select the text instead.";
    }
    setTimeout(() => {
      said.textContent = "";
      button.classList.remove("done");
    }, 1800);
  });
}

// Storage may be forbidden, and then nothing is remembered.
const memory = {
  get(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(key, value); } catch { /* see above */ }
  },
};

for (const group of document.querySelectorAll("fieldset.commands")) {
  const key = `affineur.${group.dataset.remember}`;
  for (const choice of group.querySelectorAll("input[type=radio]")) {
    if (choice.value === memory.get(key)) choice.checked = true;
    choice.addEventListener("change", () => memory.set(key, choice.value));
  }
}
