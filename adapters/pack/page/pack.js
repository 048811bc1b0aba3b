// The text of an evidence pack. Only its form is read here; there is one form of each.
// Source: docs/spec/evidence-pack.md.

import { fromAscii, fromBase64, fromDecimal, quote, refuse } from "./bytes.js";
import { MAX_NOTE_BYTES } from "./note.js";
import { MAX_ENTRY_BYTES } from "./proof.js";
import { MAX_PATH, checkHashes } from "./tree.js";

const PACK_HEADER = "pprd-pack/v1";
const MAX_PACK_BYTES = 1 << 20;
const MAX_CHECKPOINTS = 8;
const MAX_PLACES = 1024n;
// How often each kind of line stands in a pack; they stand in this order.
const LINES = [
  ["policy", 1, 1],
  ["receipt", 1, 1],
  ["checkpoint", 1, MAX_CHECKPOINTS],
  ["place", 1, 1],
  ["entry genesis", 1, 1],
  ["entry batch", 1, 1],
  ["entry key", 0, 1],
  ["entry end", 0, 4],
];

export function parsePack(data) {
  if (data.length > MAX_PACK_BYTES) refuse`a pack has at most ${MAX_PACK_BYTES} bytes`;
  const lines = fromAscii(data).split("\n");
  if (lines.pop() !== "" || lines.shift() !== PACK_HEADER) refuse`a pack begins with ${PACK_HEADER}`;
  const found = Object.fromEntries(LINES.map(([name]) => [name, takeLines(lines, name)]));
  if (lines.length) refuse`${quote(lines[0])} stands where no such line belongs`;
  for (const [name, least, most] of LINES) {
    const count = found[name].length;
    if (count < least || count > most) refuse`a pack has ${least} to ${most} lines "${name}", not ${count}`;
  }
  const checkpoints = found.checkpoint.map(readLinked);
  if (checkpoints[0].path.length) refuse`a path leads to the first checkpoint`;
  const placed = (name) => found[name].map((words) => readPlaced(words, checkpoints.length));
  const [genesis, batch, key, ends] = ["entry genesis", "entry batch", "entry key", "entry end"].map(placed);
  const [policy, receipt] = [found.policy[0], found.receipt[0]].map(onlyWord);
  return { policy, receipt, checkpoints, place: readPlace(found.place[0]), genesis: genesis[0], batch: batch[0],
    key: key[0] ?? null, ends };
}

function takeLines(lines, name) {
  const taken = [];
  while (lines[0]?.startsWith(`${name} `)) taken.push(lines.shift().slice(name.length + 1).split(" "));
  return taken;
}

function onlyWord(words) {
  return words.length === 1 ? fromBase64(words[0]) : refuse`a line has words left over`;
}

function readLinked([note, ...path]) {
  const linked = { note: fromBase64(note), path: readPath(path) };
  return linked.note.length > MAX_NOTE_BYTES ? refuse`a checkpoint is too long` : linked;
}

function readPlace([position, ...path]) {
  const place = { position: fromDecimal(position), path: readPath(path) };
  return place.position >= MAX_PLACES ? refuse`a place is out of range` : place;
}

function readPlaced(words, count) {
  if (words.length < 3) refuse`a line of an entry has too few words`;
  const [checkpoint, index] = words.slice(0, 2).map(fromDecimal);
  const placed = { checkpoint: Number(checkpoint), index, content: fromBase64(words[2]), path: readPath(words.slice(3)) };
  if (checkpoint >= BigInt(count)) refuse`entry ${index} names a checkpoint that is not in the pack`;
  if (placed.content.length > MAX_ENTRY_BYTES) refuse`entry ${index} is too long`;
  return placed;
}

function readPath(words) {
  const path = words.map(fromBase64);
  if (path.length > MAX_PATH) refuse`a path has at most ${MAX_PATH} hashes`;
  checkHashes(path);
  return path;
}
