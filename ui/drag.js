// While the slider of the control bar moves, the page follows it here, without asking the server.
//
// The server renders the whole page as if this file did not exist. Each block that carries the budget is one element
// with `data-drag` (what it shows, of which dataset and view) and `data-epsilon` (at which stop). `data` of this
// component are the frames (see ui/drag.py), gzip of [{stop, label, blocks: [html]}]: the same blocks at every stop, made
// by the same functions. Their pictures are fetched ahead while nothing else is to do, the nearest stops first.
//
// A moving slider reports itself by `aria-valuetext`, whatever moves it: mouse, finger or keys. Then each block that
// stands at another stop is exchanged for its frame. What the server rendered is kept and put back where the slider
// comes home. On release the server renders the new stop, and React overwrites the frames with it.
// Frames are HTML of our own, escaped by the server; nothing that a visitor typed is in them.

const SLIDER = ".st-key-bar_slider input[type=range]";
const LABEL = ".st-key-bar_slider label p";
const WAITING = "The pictures are still on their way. Let go of the slider to see them.";
const ADDRESS = /<img src="([^"]+)"/g;

/** From a picture's address to the picture, once it can be painted. Kept, so that the browser keeps it too. */
const pictures = new Map();
/** From an address to the promise of what is on its way. */
const coming = new Map();
/** From a block's name to the element that the server rendered. */
const home = new Map();
/** The frames on offer: from a stop to its frame, the stops whose pictures were asked for, and the blocks made. */
let offer = null;

export default function ({ data, parentElement }) {
  if (!(data instanceof Uint8Array) || !("DecompressionStream" in window)) return;
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
  const mine = { owner, bytes, stops: new Map(), asked: new Set(), built: new Map() };
  mine.observer = new MutationObserver(follow);
  offer = mine;
  home.clear();
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  for (const frame of JSON.parse(await new Response(unzipped).text())) mine.stops.set(frame.stop, frame);
  if (offer !== mine) return;
  const page = document.querySelector("[data-testid=stMain]") ?? document.body;
  mine.observer.observe(page, { subtree: true, childList: true, attributeFilter: ["aria-valuetext"] });
  follow();
  later(prepare);
}

/** Makes one stop after the other ready while nothing else is to do, the nearest first. */
async function prepare() {
  const mine = offer;
  const stops = [...(mine?.stops.keys() ?? [])];
  const here = Number(document.querySelector(SLIDER)?.value ?? 0);
  const away = (stop) => Math.abs(stops.indexOf(stop) - here);
  const stop = stops.filter((one) => !mine.asked.has(one)).sort((one, other) => away(one) - away(other))[0];
  if (stop === undefined) return;
  mine.asked.add(stop);
  await fetchPictures(stop);
  if (offer !== mine) return;
  frame(stop);
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
    const next = kept?.dataset.epsilon === stop ? kept : frame(stop).get(name);
    if (!next || next === shown) continue;
    // Nothing below jumps while pictures are on their way.
    if ("waiting" in next.dataset) next.style.minHeight = `${shown.getBoundingClientRect().height}px`;
    shown.replaceWith(next);
  }
  // The server's own label stands in aria-label, which is not touched: the slider names its value by itself.
  const isAway = document.querySelector("[data-frame]");
  const label = isAway ? offer.stops.get(stop)?.label : slider.getAttribute("aria-label");
  const words = document.querySelector(LABEL)?.firstChild;
  if (label && words && words.data !== label) words.data = label;
  offer.observer.takeRecords();
}

function html(stop) {
  return offer.stops.get(stop)?.blocks.join("") ?? "";
}

/** Returns the blocks of that stop by name. */
function frame(stop) {
  return offer.built.get(stop) ?? build(stop);
}

function build(stop) {
  const blocks = new Map();
  const template = document.createElement("template");
  template.innerHTML = html(stop);
  // A sentence at every position would drown a screen reader; the server's own is told after the release.
  for (const live of template.content.querySelectorAll("[role=status], [role=alert]")) {
    live.setAttribute("aria-live", "off");
  }
  for (const block of [...template.content.children]) {
    block.dataset.frame = "";
    const isThere = [...block.querySelectorAll("img")].every((img) => pictures.has(img.getAttribute("src")));
    if (!isThere) wait(block, stop);
    blocks.set(block.dataset.drag, document.adoptNode(block));
  }
  offer.built.set(stop, blocks);
  return blocks;
}

/** Never a blank, and never another budget's pictures; once they are there the block is built anew. */
async function wait(block, stop) {
  const mine = offer;
  const note = document.createElement("p");
  note.className = "pp-note pp-wide";
  note.textContent = WAITING;
  block.dataset.waiting = "";
  block.replaceChildren(note);
  const isThere = await fetchPictures(stop);
  mine.built.delete(stop);
  if (isThere && offer === mine) follow();
}

/** Fetches the pictures of a stop that are not there yet; resolves with whether all of them can be painted. */
async function fetchPictures(stop) {
  const addresses = [...html(stop).matchAll(ADDRESS)].map((found) => found[1]);
  return (await Promise.all(addresses.map(fetchPicture))).every(Boolean);
}

function fetchPicture(address) {
  if (pictures.has(address)) return true;
  if (!coming.has(address)) {
    const picture = new Image();
    picture.src = address;
    const decoded = picture.decode().then(() => Boolean(pictures.set(address, picture)), () => false);
    coming.set(address, decoded.finally(() => coming.delete(address)));
  }
  return coming.get(address);
}

function isSame(some, others) {
  return some.length === others.length && some.every((byte, i) => byte === others[i]);
}
