// While the slider of the control bar moves, the page follows it here, without asking the server.
//
// The server renders the whole page as if this file did not exist. Each block that carries the budget is one element
// with `data-drag` (what it shows, of which dataset and view) and `data-epsilon` (at which stop). `data` of this
// component is one of two things, both bytes (see ui/drag.py):
// - frames, gzip of {stop: {label, blocks: [html]}}: the same blocks at every stop, made by the same functions;
// - pictures, a table of [name, size] and the files: what frames name by `data-picture`.
//
// A moving slider reports itself by `aria-valuetext`, whatever moves it: mouse, finger or keys. Then each block that
// stands at another stop is exchanged for its frame. What the server rendered is kept and put back where the slider
// comes home. On release the server renders the new stop, and React overwrites the frames with it.
// Frames are HTML of our own, escaped by the server; nothing that a visitor typed is in them.

const SLIDER = ".st-key-bar_slider input[type=range]";
const LABEL = ".st-key-bar_slider label p";
const WAITING = "The pictures are still on their way. Let go of the slider to see them.";

/** From a picture's name to its data URI. Kept while the tab lives: the server sends each picture once. */
const pictures = new Map();
/** From a block's name to the element that the server rendered. */
const home = new Map();
/** The frames on offer: {owner, bytes, stops, built}. */
let offer = null;

export default function ({ data, parentElement }) {
  if (!(data instanceof Uint8Array) || !("DecompressionStream" in window)) return;
  if (data[0] === 0) {
    keepPictures(data);
    return;
  }
  if (offer?.owner !== parentElement || !isSame(offer.bytes, data)) offerFrames(data, parentElement);
  return () => {
    if (offer?.owner === parentElement) {
      offer.observer.disconnect();
      offer = null;
    }
  };
}

/** Takes frames over, and follows the slider from then on. */
async function offerFrames(bytes, owner) {
  offer?.observer.disconnect();
  const mine = { owner, bytes, stops: {}, built: new Map(), observer: new MutationObserver(follow) };
  offer = mine;
  home.clear();
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  mine.stops = JSON.parse(await new Response(unzipped).text());
  if (offer !== mine) return;
  const page = document.querySelector("[data-testid=stMain]") ?? document.body;
  mine.observer.observe(page, { subtree: true, childList: true, attributeFilter: ["aria-valuetext"] });
  follow();
  later(prepare);
}

/** Builds one stop after the other while nothing else is to do, so that its pictures are there when it is needed. */
function prepare() {
  const stop = Object.keys(offer?.stops ?? {}).find((one) => !offer.built.has(one));
  if (stop === undefined) return;
  build(stop);
  later(prepare);
}

function later(task) {
  if ("requestIdleCallback" in window) requestIdleCallback(task);
  else setTimeout(task, 50);
}

/** Brings every block to the stop at which the slider stands. Does nothing where all of them are there. */
function follow() {
  const slider = document.querySelector(SLIDER);
  const stop = slider?.getAttribute("aria-valuetext");
  if (!offer || !stop) return;
  for (const shown of document.querySelectorAll("[data-drag]")) {
    const name = shown.dataset.drag;
    if (!("frame" in shown.dataset)) home.set(name, shown);
    if (shown.dataset.epsilon === stop && !("waiting" in shown.dataset)) continue;
    const kept = home.get(name);
    const next = kept?.dataset.epsilon === stop ? kept : frame(stop, name);
    if (next && next !== shown) shown.replaceWith(next);
  }
  // The server's own label stands in aria-label, which is not touched: the slider names its value by itself.
  const isAway = document.querySelector("[data-frame]");
  const label = isAway ? offer.stops[stop]?.label : slider.getAttribute("aria-label");
  const words = document.querySelector(LABEL)?.firstChild;
  if (label && words && words.data !== label) words.data = label;
  offer.observer.takeRecords();
}

/** Returns the block of that name at that stop, or undefined. */
function frame(stop, name) {
  return (offer.built.get(stop) ?? build(stop)).get(name);
}

function build(stop) {
  const blocks = new Map();
  const template = document.createElement("template");
  const html = offer.stops[stop]?.blocks.join("") ?? "";
  template.innerHTML = html.replace(/data-picture="(\w+)"/g, (given, name) => {
    return pictures.has(name) ? `src="${pictures.get(name)}"` : given;
  });
  // A sentence at every position would drown a screen reader; the server's own is told after the release.
  for (const live of template.content.querySelectorAll("[role=status], [role=alert]")) {
    live.setAttribute("aria-live", "off");
  }
  for (const block of [...template.content.children]) {
    block.dataset.frame = "";
    if (block.querySelector("img[data-picture]")) wait(block);
    blocks.set(block.dataset.drag, document.adoptNode(block));
  }
  offer.built.set(stop, blocks);
  return blocks;
}

/** Never a blank, and never another budget's pictures. */
function wait(block) {
  const note = document.createElement("p");
  note.className = "pp-note pp-wide";
  note.textContent = WAITING;
  block.dataset.waiting = "";
  block.replaceChildren(note);
}

/** Takes pictures over; frames that waited for them are built anew. */
async function keepPictures(bytes) {
  const start = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  let at = start;
  for (const [name, size] of JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)))) {
    const file = new Blob([bytes.subarray(at, at + size)], { type: "image/webp" });
    at += size;
    if (!pictures.has(name)) pictures.set(name, await toDataUri(file));
  }
  offer?.built.clear();
  follow();
  later(prepare);
}

function toDataUri(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
}

function isSame(some, others) {
  return some.length === others.length && some.every((byte, i) => byte === others[i]);
}
