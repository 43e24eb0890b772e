// The pictures to choose from: those that were given, newest first, and the server's examples.
import { ask } from "./ask.js";

const MOST_KEPT = 50;
// Those that browsers show as the server reads them, by their first bytes.
const SHOWN_AS_THEY_ARE = [[0xff, 0xd8, 0xff], [0x89, 0x50, 0x4e, 0x47]];

const strip = document.getElementById("strip");
const given = [];

class Picture {
  // `load` gives the file, `address` is that of its thumbnail.
  constructor(name, load, address, choose) {
    this.answers = new Map(); // by model
    this.load = load;
    this.address = address;
    this.thumbnail = Object.assign(new Image(), { src: address, alt: name });
    this.button = Object.assign(document.createElement("button"), { type: "button", title: name });
    this.button.append(this.thumbnail);
    this.button.addEventListener("click", () => choose(this));
  }

  async file() {
    this.known ??= await this.load();
    return this.known;
  }

  // An image element, decoded if it can be.
  async image() {
    if (!this.shown) {
      const file = await this.file();
      const start = new Uint8Array(await file.slice(0, 4).arrayBuffer());
      if (!SHOWN_AS_THEY_ARE.some((magic) => magic.every((byte, at) => start[at] === byte))) {
        const response = await ask("shown", { method: "POST", body: file });
        this.show(await response.blob());
      } else if (!this.address.startsWith("blob:")) {
        this.show(file);
      }
      this.shown = Object.assign(new Image(), { src: this.address, alt: "" });
    }
    await this.shown.decode().catch(() => {}); // What is wrong with it, the server says.
    return this.shown;
  }

  show(blob) {
    const given = this.address.startsWith("blob:"); // and not an example, which has its thumbnail
    this.release();
    this.address = URL.createObjectURL(blob);
    if (given) this.thumbnail.src = this.address;
  }

  release() {
    if (this.address.startsWith("blob:")) URL.revokeObjectURL(this.address);
  }

  forget() {
    this.button.remove();
    this.release();
  }
}

// The first of the files. `mark` shows them all to choose from.
export function add(files, choose) {
  const added = files.map(
    (file) => new Picture(file.name, async () => file, URL.createObjectURL(file), choose));
  given.unshift(...added);
  given.splice(MOST_KEPT).forEach((each) => each.forget());
  return added[0];
}

export function addExamples(names, choose) {
  strip.append(...names.map((name, number) => {
    const load = async () => (await ask(`examples/${number}`)).blob();
    return new Picture(name, load, `examples/${number}/thumbnail`, choose).button;
  }));
}

// Those that were given; examples stay.
export function remove(picture) {
  const at = given.indexOf(picture);
  if (at >= 0) given.splice(at, 1)[0].forget();
}

export function mark(picture) {
  strip.prepend(...given.map((each) => each.button).filter((button) => !button.isConnected));
  for (const button of strip.children) {
    button.setAttribute("aria-pressed", String(button === picture.button));
  }
}
