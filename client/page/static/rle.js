// COCO's compressed run lengths of masks.

// Run lengths of zeros and ones in turn, down the columns: `rleFrString` in pycocotools' maskApi.c.
function runLengths(counts) {
  const runs = [];
  for (let at = 0; at < counts.length; ) {
    let value = 0, shift = 0, digit;
    do {
      digit = counts.charCodeAt(at++) - 48;
      value |= (digit & 31) << shift;
      shift += 5;
    } while (digit & 32);
    if (digit & 16) value |= -1 << shift;
    if (runs.length > 2) value += runs[runs.length - 2];
    runs.push(value);
  }
  return runs;
}

// The part of a mask that is not empty: {x, y, width, height} in the picture, and `bits`, a byte for
// each of its pixels, row by row. null for a mask without a pixel.
export function decode({ counts, size: [height, width] }) {
  const runs = runLengths(counts);
  let start = 0, top = height, bottom = -1, left = width, right = -1;
  const ones = [];
  runs.forEach((length, index) => {
    if (index % 2 && length > 0) {
      const [first, last] = [start, start + length - 1];
      ones.push([first, last]);
      const [from, to] = [Math.floor(first / height), Math.floor(last / height)];
      left = Math.min(left, from);
      right = Math.max(right, to);
      // A run that goes on in the next column touches the picture's upper and lower edge.
      top = Math.min(top, from < to ? 0 : first % height);
      bottom = Math.max(bottom, from < to ? height - 1 : last % height);
    }
    start += length;
  });
  if (start !== width * height) throw new Error("a mask is not of the picture's size");
  if (!ones.length) return null;
  const part = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  part.bits = new Uint8Array(part.width * part.height);
  for (const [first, last] of ones) {
    let x = Math.floor(first / height) - left, y = first % height - top;
    for (let at = first; at <= last; at++) {
      part.bits[y * part.width + x] = 1;
      if (++y === height - top) [x, y] = [x + 1, -top];
    }
  }
  return part;
}
