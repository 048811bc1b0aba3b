// Signed notes and the text of a checkpoint. A known key must verify and must not sign twice; unknown ones say nothing.
// Source: LEDGER, sections 2 and 8; C2SP signed-note, tlog-checkpoint, tlog-cosignature.

import {
  HASH_BYTES, MAX_NUMBER, concat, fromBase64, fromDecimal, fromUtf8, isEqual, quote, refuse, sha256, toBytes, toHex,
  toNumber,
} from "./bytes.js";
import { COSIGNATURE, ED25519, checkName, verifyEd25519 } from "./keys.js";

export const MAX_NOTE_BYTES = 65536;
const SIGNATURE_BYTES = { ed25519: 64, mlDsa44: 2420 };

/** The text with its final newline, and the signature lines; nothing is checked but the form. */
export function splitNote(data) {
  if (data.length > MAX_NOTE_BYTES) refuse`a note has at most ${MAX_NOTE_BYTES} bytes`;
  const content = fromUtf8(data);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(content)) refuse`a note has no control character but the newline`;
  const at = content.lastIndexOf("\n\n");
  if (at < 0 || !content.endsWith("\n") || content.length < at + 3) refuse`text and signatures are not parted`;
  const lines = content.slice(at + 2, -1).split("\n").map(parseLine);
  return { text: content.slice(0, at + 1), lines };
}

function parseLine(line) {
  const found = /^\u2014 ([^ ]*) (.*)$/su.exec(line) ?? refuse`${quote(line)} is not a signature line`;
  checkName(found[1]);
  const content = fromBase64(found[2]);
  if (content.length < 5) refuse`the signature of ${quote(found[1])} is too short`;
  return { name: found[1], id: content.subarray(0, 4), payload: content.subarray(4) };
}

/** `verified` are the good signatures of known keys with their times, `unchecked` those that no browser can check. */
export async function readNote(data, verifiers) {
  const { text, lines } = splitNote(data);
  const [verified, unchecked, seen] = [[], [], new Set()];
  for (const line of lines) {
    const verifier = verifiers.find((one) => one.name === line.name && isEqual(one.id, line.id));
    if (!verifier) continue;
    if (seen.has(verifier)) refuse`key ${quote(line.name)} signed twice`;
    seen.add(verifier);
    const row = { verifier, ...(await checkLine(verifier, toBytes(text), line.payload)) };
    (row.isChecked ? verified : unchecked).push(row);
  }
  return { text, verified, unchecked };
}

async function checkLine(verifier, text, payload) {
  if (verifier.type === ED25519) {
    await verifyEd25519(verifier.raw, payload, text);
    return { isChecked: true, seconds: null };
  }
  const isEd25519 = verifier.type === COSIGNATURE;
  const seconds = toNumber(payload.subarray(0, 8));
  const wanted = 8 + (isEd25519 ? SIGNATURE_BYTES.ed25519 : SIGNATURE_BYTES.mlDsa44);
  if (payload.length !== wanted || seconds > MAX_NUMBER) refuse`the cosignature of ${quote(verifier.name)} has no form`;
  if (!isEd25519) return { isChecked: false, seconds };
  const signed = concat(toBytes(`cosignature/v1\ntime ${seconds}\n`), text);
  await verifyEd25519(verifier.raw, payload.subarray(8), signed);
  return { isChecked: true, seconds };
}

/** Origin, size (BigInt) and root; three lines and no further one. */
export async function readCheckpointText(text) {
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3]) refuse`a checkpoint has three lines`;
  const [origin, size, root] = [lines[0], fromDecimal(lines[1]), fromBase64(lines[2])];
  checkName(origin);
  if (root.length !== HASH_BYTES) refuse`${toHex(root)} is no root`;
  if (size === 0n && !isEqual(root, await sha256())) refuse`size 0 has another root than that of nothing`;
  return { origin, size, root };
}
