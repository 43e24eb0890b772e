// What stands beside the picture: its classes, its detections, and where the time went.

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function swatch(color) {
  const made = element("i");
  made.style.background = color;
  return made;
}

// A box to tick for each class.
export function showClasses(container, classes, hidden, changed) {
  container.replaceChildren(...Object.entries(classes).map(([id, its]) => {
    const box = element("input", { type: "checkbox", value: id, checked: !hidden.has(id) });
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(id);
      else hidden.add(id);
      changed();
    });
    return element("label", {}, box, swatch(`rgb(${its.color.join(" ")})`), its.name, element("small"));
  }));
}

// How many there are of each class, beside its box.
export function countClasses(container, detections) {
  for (const label of container.children) {
    const { value } = label.querySelector("input");
    label.querySelector("small").textContent =
      detections.filter((each) => each.category === value).length;
  }
}

// The detections that are shown, the best score first.
export function showList(list, detections, highlight) {
  list.replaceChildren(...detections.map((each) => {
    const bar = element("b");
    bar.style.width = `${100 * each.score}%`;
    const item = element("li", { tabIndex: 0 }, swatch(each.color),
      element("span", { textContent: each.name }), element("div", { className: "score" }, bar),
      element("small", { textContent: each.score.toFixed(2) }));
    for (const event of ["pointerenter", "focus"]) {
      item.addEventListener(event, () => highlight(each));
    }
    for (const event of ["pointerleave", "blur"]) {
      item.addEventListener(event, () => highlight(null));
    }
    return item;
  }));
}

// Where the time of a request went, from the browser's sending to its having the answer.
export function showTimes(container, { timings, browser, request }) {
  const told = Object.keys(timings.steps).length > 0;
  const rows = told
    ? { ...timings.steps, queues: timings.queued, transport: timings.transport }
    : { model: timings.total };
  rows.page = Math.max(browser - timings.total, 0);
  const total = Object.values(rows).reduce((sum, ms) => sum + ms, 0);
  const bar = element("div", { className: "bar" });
  const table = element("table");
  for (const [name, ms] of Object.entries(rows)) {
    const part = element("i", { className: name });
    part.style.width = `${100 * ms / total}%`;
    bar.append(part);
    table.append(element("tr", {}, element("td", {}, element("i", { className: name }), name),
      element("td", { textContent: `${ms.toFixed(ms < 10 ? 1 : 0)} ms` })));
  }
  const notes = [told
    ? "The model's steps and queues are Triton's figures. Transport: to the server and back. Page: " +
      "from the browser to the page's server and back."
    : "The server told nothing of its steps."];
  if (timings.requests > 1) {
    notes.push(`Others asked meanwhile: the steps are means of ${timings.requests} requests.`);
  }
  notes.push(`In the server's log this is ${request}.`);
  container.replaceChildren(element("h2", { textContent: `${browser.toFixed(0)} ms` }), bar, table,
    element("p", { className: "note", textContent: notes.join(" ") }));
}
