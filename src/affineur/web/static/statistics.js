// A range of days by dragging over the plot, or by keyboard. Without a script the form below it does the same.
"use strict";

const plots = document.querySelector(".plots");
const range = document.querySelector("form.range");

if (plots && range) {
  const days = plots.dataset.days.split(",");
  const counts = plots.dataset.counts.split(",").map(Number);
  const said = document.querySelector(".now");
  const written = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  const number = new Intl.NumberFormat("en-US");
  const hold = document.createElement("div");
  const mark = document.createElement("i");
  const cursor = document.createElement("i");
  let at = days.length - 1;
  let from = null;

  hold.className = "hold";
  hold.tabIndex = 0;
  for (const [name, value] of [["role", "slider"], ["aria-label", "Day of the plot"], ["aria-valuemin", 0], ["aria-valuemax", days.length - 1]]) {
    hold.setAttribute(name, value);
  }
  mark.className = "mark";
  cursor.className = "cursor";
  mark.hidden = cursor.hidden = true;
  hold.append(mark, cursor);
  plots.append(hold);
  document.querySelector(".by-hand").hidden = false;

  // The field of whichever drawing is shown, as shares of its width.
  const place = () => {
    const drawing = [...plots.querySelectorAll("svg.plot")].find((each) => each.getBoundingClientRect().width);
    const { left, right, width } = drawing.dataset;
    hold.style.left = `${(100 * left) / width}%`;
    hold.style.width = `${(100 * (right - left)) / width}%`;
  };
  const percent = (day) => (days.length > 1 ? (100 * day) / (days.length - 1) : 0);
  const text = (day) => written.format(new Date(`${days[day]}T00:00:00Z`));
  const lastOf = (part) => {
    if (part === days.length - 1) return plots.dataset.last;
    const before = new Date(`${days[part + 1]}T00:00:00Z`);
    before.setUTCDate(before.getUTCDate() - 1);
    return before.toISOString().slice(0, 10);
  };
  const ends = () => [Math.min(at, from ?? at), Math.max(at, from ?? at)];

  function show() {
    const [first, last] = ends();
    cursor.hidden = false;
    cursor.style.left = `${percent(at)}%`;
    mark.hidden = from === null;
    mark.style.left = `${percent(first)}%`;
    mark.style.width = `${percent(last) - percent(first)}%`;
    const sum = counts.slice(first, last + 1).reduce((all, each) => all + each, 0);
    const step = plots.dataset.step === "day" ? "" : ` (${plots.dataset.step})`;
    const sentence = from === null
      ? `${text(at)}${step}: ${number.format(counts[at])} downloads`
      : `${text(first)} to ${written.format(new Date(`${lastOf(last)}T00:00:00Z`))}: ${number.format(sum)} downloads`;
    hold.setAttribute("aria-valuenow", at);
    hold.setAttribute("aria-valuetext", sentence);
    said.textContent = sentence;
  }
  function hide() {
    from = null;
    mark.hidden = cursor.hidden = true;
    said.textContent = "";
  }
  function choose() {
    const [first, last] = ends();
    range.elements.from.value = days[first];
    range.elements.to.value = lastOf(last);
    range.requestSubmit();
  }
  const under = (event) => {
    const box = hold.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    return Math.round(Math.min(1, Math.max(0, share)) * (days.length - 1));
  };

  hold.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    hold.setPointerCapture(event.pointerId);
    at = from = under(event);
    show();
  });
  hold.addEventListener("pointermove", (event) => {
    at = under(event);
    show();
  });
  hold.addEventListener("pointerup", () => {
    if (from !== null && from !== at) choose();
    else from = null;
  });
  hold.addEventListener("pointercancel", hide);
  hold.addEventListener("pointerleave", () => { if (!hold.matches(":focus")) hide(); });
  hold.addEventListener("focus", show);
  hold.addEventListener("blur", hide);
  hold.addEventListener("keydown", (event) => {
    const far = Math.max(1, Math.round(days.length / 10));
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -far, PageUp: far, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      if (!event.shiftKey) from = null;
      else from ??= at;
      at = Math.min(days.length - 1, Math.max(0, at + steps[event.key]));
      show();
    } else if (event.key === "Enter" && from !== null) choose();
    else if (event.key === "Escape" && from !== null) { from = null; show(); }
    else return;
    event.preventDefault();
  });
  window.addEventListener("resize", place);
  place();
  hold.setAttribute("aria-valuenow", at);
  hold.setAttribute("aria-valuetext", `${text(at)}: ${number.format(counts[at])} downloads`);
}
