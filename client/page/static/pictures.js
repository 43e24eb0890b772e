// The pictures to choose from: those that were given, newest first, and the server's examples.
import { ask } from "./ask.js";

const MOST_KEPT = 50;
// Those that browsers show as the server reads them, by their first bytes.
const SHOWN_AS_THEY_ARE = [[0xff, 0xd8, 0xff], [0x89, 0x50, 0x4e, 0x47]];

const strip = document.getElementById("strip");
const given = [];

class Picture {
  // `thumbnail`: an address. `load`: gives the file.
  constructor(name, thumbnail, load, choose) {
    this.answers = new Map(); // by model
    this.load = load;
    this.thumbnail = Object.assign(new Image(), { src: thumbnail, alt: name });
    this.button = Object.assign(document.createElement("button"), { type: "button", title: name });
    this.button.append(this.thumbnail);
    this.button.addEventListener("click", () => choose(this));
  }

  async file() {
    this.known ??= await this.load();
    return this.known;
  }

  // The address of what browsers show of it.
  async shown() {
    if (!this.address) {
      const file = await this.file();
      const start = new Uint8Array(await file.slice(0, 4).arrayBuffer());
      const asItIs = SHOWN_AS_THEY_ARE.some((magic) => magic.every((byte, at) => start[at] === byte));
      const blob = asItIs ? file : await (await ask("shown", { method: "POST", body: file })).blob();
      this.address = URL.createObjectURL(blob);
    }
    if (!this.thumbnail.naturalWidth) this.thumbnail.src = this.address;
    return this.address;
  }

  forget() {
    this.button.remove();
    for (const address of [this.address, this.thumbnail.src]) {
      if (address?.startsWith("blob:")) URL.revokeObjectURL(address);
    }
  }
}

// The first of the files, which are all to choose from now.
export function add(files, choose) {
  const added = [...files].map(
    (file) => new Picture(file.name, URL.createObjectURL(file), async () => file, choose));
  given.unshift(...added);
  strip.prepend(...added.map((each) => each.button));
  given.splice(MOST_KEPT).forEach((each) => each.forget());
  return added[0];
}

export function addExamples(names, choose) {
  strip.append(...names.map((name, number) => {
    const load = async () => (await ask(`examples/${number}`)).blob();
    return new Picture(name, `examples/${number}/thumbnail`, load, choose).button;
  }));
}

// Those that were given; examples stay.
export function remove(picture) {
  const at = given.indexOf(picture);
  if (at >= 0) given.splice(at, 1)[0].forget();
}

export function mark(picture) {
  for (const button of strip.children) {
    button.setAttribute("aria-pressed", String(button === picture.button));
  }
}
