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

// The runs of ones as [first, last] pixel, counted down the columns of a picture of `size` pixels.
function runsOfOnes(counts, size) {
  const ones = [];
  let start = 0;
  runLengths(counts).forEach((length, index) => {
    if (length < 0 || start + length > size) fail();
    if (index % 2 && length > 0) ones.push([start, start + length - 1]);
    start += length;
  });
  if (start !== size) fail();
  return ones;
}

function fail() {
  throw new Error("The server's answer does not fit the picture: a mask is not of its size.");
}

// The part of a mask that is not empty: {x, y, width, height} in the picture, and its `pixels` row
// by row, `ink` where the mask is and 0 elsewhere. null for a mask without a pixel. Throws where the
// counts are of another picture, or none.
export function decode({ counts, size: [height, width] }, ink) {
  const ones = runsOfOnes(counts, width * height);
  if (!ones.length) return null;
  let top = height, bottom = -1;
  for (const [first, last] of ones) {
    // A run that goes on in the next column touches the picture's upper and lower edge.
    const whole = Math.floor(first / height) < Math.floor(last / height);
    top = Math.min(top, whole ? 0 : first % height);
    bottom = Math.max(bottom, whole ? height - 1 : last % height);
  }
  const left = Math.floor(ones[0][0] / height);
  const right = Math.floor(ones[ones.length - 1][1] / height);
  const part = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  part.pixels = new Uint32Array(part.width * part.height);
  for (const [first, last] of ones) {
    for (let from = first; from <= last; ) {
      const column = Math.floor(from / height);
      const to = Math.min(last, (column + 1) * height - 1);
      let at = (from - column * height - top) * part.width + column - left;
      for (; from <= to; from++, at += part.width) part.pixels[at] = ink;
    }
  }
  return part;
}
