// What was found, drawn over its picture on the page and in the PNG.
import { decode } from "./rle.js";

const rgb = (color) => `rgb(${color.join(" ")})`;
const luminance = ([red, green, blue]) => 0.299 * red + 0.587 * green + 0.114 * blue;

// The results of an answer, the best score first, as they are drawn. Masks are decoded when first
// asked for.
export function detectionsOf(answer, keypointThreshold) {
  return answer.results.map((result) => {
    const its = answer.classes[result.category_id];
    const [x, y, width, height] = result.bbox;
    let mask;
    return {
      result, x, y, width, height,
      category: String(result.category_id),
      name: its.name,
      score: result.score,
      text: `${its.name} ${result.score.toFixed(2)}`,
      color: rgb(its.color),
      ink: luminance(its.color) > 120 ? "#000" : "#fff",
      ...pointsOf(result, its.edges, keypointThreshold),
      get mask() {
        if (mask === undefined) mask = result.segmentation ? maskOf(result, its.color) : null;
        return mask;
      },
    };
  });
}

function maskOf(result, [red, green, blue]) {
  // A canvas's four bytes as one number.
  const part = decode(result.segmentation, (255 << 24) | (blue << 16) | (green << 8) | red);
  if (!part) return null;
  const canvas = Object.assign(document.createElement("canvas"),
    { width: part.width, height: part.height });
  const image = new ImageData(new Uint8ClampedArray(part.pixels.buffer), part.width, part.height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return { ...part, canvas };
}

// COCO's points are indices of pixels, whose centres are half a pixel further.
function pointsOf(result, edges, threshold) {
  const points = new Map();
  const flat = result.keypoints ?? [];
  for (let at = 0; at < flat.length; at += 3) {
    if (flat[at + 2] > threshold) points.set(at / 3, [flat[at] + 0.5, flat[at + 1] + 0.5]);
  }
  const lines = edges.filter((ends) => ends.every((end) => points.has(end)));
  return { points: [...points.values()], lines: lines.map(([a, b]) => [points.get(a), points.get(b)]) };
}

// `scale`: the canvas's pixels for one of the picture. `unit`: the canvas's pixels for one of the
// screen's, by which lines and letters are measured.
export function draw(context, detections, { scale, unit, highlighted = null }) {
  const ordered = [...detections].reverse();
  if (highlighted) ordered.push(...ordered.splice(ordered.indexOf(highlighted), 1));
  const faint = (found) => highlighted !== null && found !== highlighted;
  context.lineJoin = "round";
  for (const found of ordered) {
    if (!found.mask) continue;
    const { x, y, width, height, canvas } = found.mask;
    context.globalAlpha = found === highlighted ? 0.65 : faint(found) ? 0.15 : 0.4;
    context.drawImage(canvas, x * scale, y * scale, width * scale, height * scale);
  }
  for (const found of ordered) {
    context.globalAlpha = faint(found) ? 0.35 : 1;
    context.strokeStyle = context.fillStyle = found.color;
    context.lineWidth = (found === highlighted ? 3 : 2) * unit;
    context.strokeRect(found.x * scale, found.y * scale, found.width * scale, found.height * scale);
    for (const [[x1, y1], [x2, y2]] of found.lines) {
      context.beginPath();
      context.moveTo(x1 * scale, y1 * scale);
      context.lineTo(x2 * scale, y2 * scale);
      context.stroke();
    }
    for (const [x, y] of found.points) {
      context.beginPath();
      context.arc(x * scale, y * scale, 3 * unit, 0, 2 * Math.PI);
      context.fill();
    }
  }
  context.font = `600 ${12 * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const found of ordered) {
    context.globalAlpha = faint(found) ? 0.35 : 1;
    label(context, found, scale, unit);
  }
  context.globalAlpha = 1;
}

function label(context, found, scale, unit) {
  const width = context.measureText(found.text).width + 8 * unit, height = 18 * unit;
  const x = Math.max(0, Math.min(found.x * scale - unit, context.canvas.width - width));
  const above = found.y * scale - height;
  const y = above < 0 ? Math.max(0, found.y * scale) : above;
  context.fillStyle = found.color;
  context.fillRect(x, y, width, height);
  context.fillStyle = found.ink;
  context.fillText(found.text, x + 4 * unit, y + height / 2);
}

// The one that the mouse means: of those with a pixel of their mask there the smallest, or else of
// those with the point in their box.
export function foundAt(detections, x, y) {
  const inBox = detections
    .filter((each) => x >= each.x && y >= each.y && x < each.x + each.width && y < each.y + each.height)
    .sort((a, b) => a.width * a.height - b.width * b.height);
  return inBox.find((each) => covers(each.mask, Math.floor(x), Math.floor(y))) ?? inBox[0] ?? null;
}

function covers(mask, x, y) {
  if (!mask || x < mask.x || y < mask.y || x >= mask.x + mask.width || y >= mask.y + mask.height) {
    return false;
  }
  return mask.pixels[(y - mask.y) * mask.width + x - mask.x] !== 0;
}
