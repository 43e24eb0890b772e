// Files to keep, made in the browser.
import { draw } from "./drawing.js";

export function save(name, blob) {
  const href = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { download: name, href }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

// COCO's result file of the detections.
export function resultsFile(detections) {
  const results = detections.map((each) => each.result);
  return new Blob([JSON.stringify(results, null, 1)], { type: "application/json" });
}

// A PNG of the picture, in its own size, with the detections.
export function pictureFile(image, { width, height }, detections) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, width, height);
  draw(context, detections, { scale: 1, unit: Math.max(0.8, Math.hypot(width, height) / 1000) });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
