// The page: pictures are given, a model is asked about them, and what it found is shown. Slider,
// classes and downloads ask for nothing.
import { ask } from "./ask.js";
import { openCamera } from "./camera.js";
import { pictureFile, resultsFile, save } from "./download.js";
import { detectionsOf, draw, foundAt } from "./drawing.js";
import { countClasses, showClasses, showList, showTimes } from "./panel.js";
import { add, addExamples, mark, remove } from "./pictures.js";

const $ = (id) => document.getElementById(id);
const canvas = $("picture").querySelector("canvas");
const SLOW_MS = 300;

let settings = null;
let current = null; // the picture on the stage
let found = null; // {answer, detections} of it
let highlighted = null;
const hidden = new Set(); // class ids

// The page's settings are there, or it throws; then the next call tries again.
let starting = null;
function started() {
  starting ??= start().catch((error) => {
    starting = null;
    throw error;
  });
  return starting;
}

async function start() {
  settings = await (await ask("settings")).json();
  $("model").replaceChildren(...settings.models.map((name) => new Option(name)));
  if (settings.models.includes(settings.model)) $("model").value = settings.model;
  $("servers").textContent = settings.servers.join(", ");
  addExamples(settings.examples, select);
  document.body.classList.toggle("with-examples", settings.examples.length > 0);
}

async function give(given) {
  const files = [...given]; // which are gone when the event is
  try {
    await started();
  } catch (error) {
    showFault(error.message);
    return;
  }
  if (files.length) select(add(files, select));
  else showFault("There is no file in what was dropped or pasted.");
}

async function select(picture) {
  const model = $("model").value;
  const now = () => current === picture && $("model").value === model;
  const asked = Promise.all([detect(picture, model), picture.image()]);
  current = picture;
  document.body.ariaBusy = "true";
  // What is answered at once comes with its picture, in one step from what was there before.
  const slow = setTimeout(() => wait(picture, now), SLOW_MS);
  try {
    const [answer, image] = await asked;
    if (now()) showFound(answer, image);
  } catch (error) {
    if (error.unusable) remove(picture);
    if (now()) showFault(error.message);
  } finally {
    clearTimeout(slow);
    if (now()) document.body.ariaBusy = "false";
  }
}

async function detect(picture, model) {
  if (!picture.answers.has(model)) {
    const body = await picture.file();
    if (body.size > settings.most_bytes) {
      const sentence = "This picture cannot be used: it has " +
        `${Math.round(body.size / 2 ** 20)} MB, the page takes ${settings.most_bytes / 2 ** 20} MB.`;
      throw Object.assign(new Error(sentence), { unusable: true });
    }
    const sent = performance.now();
    const response = await ask(`detect/${encodeURIComponent(model)}`, { method: "POST", body });
    const answer = await response.json();
    picture.answers.set(model, { ...answer, browser: performance.now() - sent });
  }
  return picture.answers.get(model);
}

async function wait(picture, now) {
  if (!now()) return;
  clear("waiting");
  const image = await picture.image().catch(() => null);
  if (image && now()) put(image, image.naturalWidth, image.naturalHeight);
}

function put(image, width, height) {
  $("picture").querySelector("img")?.remove();
  $("picture").prepend(image);
  if (width && height) $("picture").style.setProperty("--ratio", width / height);
}

function showFound(answer, image) {
  found = { answer, image, detections: detectionsOf(answer, settings.keypoint_threshold) };
  put(image, answer.width, answer.height);
  mark(current);
  document.body.dataset.state = "found";
  $("fault").textContent = $("tip").textContent = "";
  showTimes($("times"), answer);
  refreshClasses();
}

function refreshClasses() {
  showClasses($("classes"), found.answer.classes, hidden, refresh);
  refresh();
}

function showFault(sentence) {
  clear("fault");
  $("fault").textContent = sentence;
}

function clear(state) {
  found = highlighted = null;
  if (current) mark(current);
  document.body.dataset.state = state;
  $("fault").textContent = $("tip").textContent = "";
  $("picture").querySelector("img")?.remove();
  paint();
}

const overThreshold = () =>
  found.detections.filter((each) => each.score >= Number($("threshold").value));
const shown = () => overThreshold().filter((each) => !hidden.has(each.category));

// Everything that the slider and the classes decide.
function refresh() {
  $("least").textContent = Number($("threshold").value).toFixed(2);
  if (!found) return;
  highlighted = null;
  const visible = shown();
  countClasses($("classes"), overThreshold());
  $("shown").textContent = `${visible.length} of ${found.detections.length} shown`;
  showList($("list"), visible, highlight);
  paint();
}

function highlight(detection) {
  if (!found || detection === highlighted) return;
  highlighted = detection;
  shown().forEach((each, index) =>
    $("list").children[index].classList.toggle("highlighted", each === detection));
  paint();
}

function paint() {
  [canvas.width, canvas.height] = sizeOnScreen(); // which clears it
  if (!found) return;
  const scale = canvas.width / found.answer.width;
  try {
    draw(canvas.getContext("2d"), shown(), { scale, unit: window.devicePixelRatio, highlighted });
  } catch (error) { // a mask's
    showFault(error.message);
  }
}

// Of the canvas, in the screen's pixels.
const sizeOnScreen = () => [canvas.clientWidth, canvas.clientHeight]
  .map((length) => Math.round(length * window.devicePixelRatio));

canvas.addEventListener("pointermove", (event) => {
  if (!found) return;
  const scale = found.answer.width / canvas.clientWidth;
  const under = foundAt(shown(), event.offsetX * scale, event.offsetY * scale);
  highlight(under);
  const tip = $("tip");
  tip.textContent = under ? under.text : "";
  tip.style.left = `${event.offsetX}px`;
  tip.style.top = `${event.offsetY}px`;
});
canvas.addEventListener("pointerleave", () => {
  $("tip").textContent = "";
  highlight(null);
});
new ResizeObserver(() => {
  if (String(sizeOnScreen()) !== String([canvas.width, canvas.height])) paint();
}).observe(canvas);

$("threshold").addEventListener("input", refresh);
$("all").addEventListener("click", () => {
  hidden.clear();
  refreshClasses();
});
$("none").addEventListener("click", () => {
  Object.keys(found.answer.classes).forEach((id) => hidden.add(id));
  refreshClasses();
});
$("model").addEventListener("change", () => {
  hidden.clear();
  if (current) select(current);
});
$("png").addEventListener("click", async () =>
  save("detections.png", await pictureFile(found.image, found.answer, shown())));
$("coco").addEventListener("click", () => save("detections.json", resultsFile(shown())));

$("choose").addEventListener("click", () => $("files").click());
$("files").addEventListener("change", () => {
  give($("files").files);
  $("files").value = "";
});
$("camera").addEventListener("click", async () => {
  try {
    const file = await openCamera();
    if (file) give([file]);
  } catch (error) {
    showFault(error.message);
  }
});
document.addEventListener("paste", (event) => give(event.clipboardData.files));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  give(event.dataTransfer.files);
});

refresh();
started().catch((error) => showFault(error.message));
