// Checks a receipt in the browser: the entry is in the log (RFC 6962), and the log's key signed that log (C2SP
// signed-note, tlog-checkpoint, tlog-proof). Nothing the gateway says about it is taken for granted but the key, and the
// key is remembered from the first time on.

const encoder = new TextEncoder();

class Unsound extends Error {}

function demand(holds, otherwise) {
  if (!holds) throw new Unsound(otherwise);
}

function bytes(base64) {
  demand(/^[A-Za-z0-9+/]*={0,2}$/.test(base64), "something is not base64");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

function same(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

// RFC 9162 section 2.1.3.2.
async function rootOf(leaf, index, size, proof) {
  let fn = index;
  let sn = size - 1n;
  let root = leaf;
  for (const sibling of proof) {
    demand(sn > 0n, "the proof is longer than the tree is high");
    if (fn & 1n || fn === sn) {
      root = await sha256(NODE, sibling, root);
      while (!(fn & 1n) && fn > 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      root = await sha256(NODE, root, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  demand(sn === 0n, "the proof is shorter than the tree is high");
  return root;
}

function decimal(text, what) {
  demand(/^(0|[1-9][0-9]{0,18})$/.test(text), `${what} is not a number`);
  return BigInt(text);
}

function parseProof(text) {
  const [head, ...rest] = text.split("\n\n");
  const [version, place, ...hashes] = head.split("\n");
  demand(version === "c2sp.org/tlog-proof@v1", "the proof is of another kind");
  demand(place.startsWith("index "), "the proof names no index");
  return { index: decimal(place.slice(6), "the index"), hashes: hashes.map(bytes), note: rest.join("\n\n") };
}

function parseKey(vkey) {
  const found = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(vkey);
  demand(found, "the key is none");
  const content = bytes(found[3]);
  demand(content.length === 33 && content[0] === 1, "the key is not Ed25519");
  return { name: found[1], id: found[2], raw: content.slice(1) };
}

async function openCheckpoint(note, key) {
  const end = note.lastIndexOf("\n\n");
  demand(end > 0, "the checkpoint carries no signature");
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2).split("\n").filter(Boolean);
  const raw = await crypto.subtle.importKey("raw", key.raw, { name: "Ed25519" }, false, ["verify"]);
  let signed = false;
  for (const line of lines) {
    const found = /^— ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    demand(found, "a signature line is malformed");
    const content = bytes(found[2]);
    const id = Array.from(content.slice(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (found[1] !== key.name || id !== key.id) continue;
    demand(
      await crypto.subtle.verify({ name: "Ed25519" }, raw, content.slice(4), encoder.encode(text)),
      "the log's signature under the checkpoint is wrong",
    );
    signed = true;
  }
  demand(signed, "the checkpoint is not signed by the log's key");
  const [origin, size, root] = text.split("\n");
  demand(origin === key.name, "the checkpoint is of another log");
  return { size: decimal(size, "the tree's size"), root: bytes(root) };
}

// The receipt's entry as text, once everything about it holds.
export async function verifyReceipt(receipt, vkey) {
  const { entry, proof } = JSON.parse(receipt);
  const body = bytes(entry.replaceAll("-", "+").replaceAll("_", "/"));
  const { index, hashes, note } = parseProof(proof);
  const checkpoint = await openCheckpoint(note, parseKey(vkey));
  demand(index < checkpoint.size, "the entry lies outside the tree");
  const root = await rootOf(await sha256(LEAF, body), index, checkpoint.size, hashes);
  demand(same(root, checkpoint.root), "the entry does not lead to the tree that was signed");
  return { text: new TextDecoder("utf-8", { fatal: true }).decode(body), index, size: checkpoint.size };
}

// The log's key this browser knows, of those that sign the log now; the first one it meets is remembered. A key that
// replaces it is never taken in its place by itself: anybody can add a line to a note.
function known(vkeys) {
  const place = `corridor-log-key ${vkeys[0].split("+")[0]}`;
  const remembered = localStorage.getItem(place);
  if (remembered === null) localStorage.setItem(place, vkeys[0]);
  return { vkey: remembered ?? vkeys[0], first: remembered === null };
}

async function check(button) {
  const { proof, vkeys, sound, unsound, first, checking } = button.dataset;
  const verdict = document.querySelector(".verdict");
  verdict.textContent = checking;
  verdict.removeAttribute("data-state");
  try {
    const answer = await fetch(proof, { credentials: "same-origin" });
    demand(answer.ok, `HTTP ${answer.status}`);
    const named = vkeys.split(" ");
    const key = known(named);
    demand(named.includes(key.vkey), "the page names another key than the one this browser remembers");
    const found = await verifyReceipt(await answer.text(), key.vkey);
    const shown = document.querySelector("[data-entry]").textContent;
    demand(JSON.stringify(JSON.parse(found.text)) === JSON.stringify(JSON.parse(shown)), "this page shows something else");
    verdict.dataset.state = "sound";
    verdict.textContent = `✓ ${sound} (${found.index} / ${found.size})${key.first ? ` ${first}` : ""}`;
  } catch (error) {
    verdict.dataset.state = "unsound";
    verdict.textContent = `✕ ${unsound} ${error.message}`;
  }
}

for (const button of document.querySelectorAll("button[data-proof]")) {
  button.hidden = false;
  button.addEventListener("click", () => check(button));
}
