// Proof files (.tlog-proof): an entry, its index, its path, and the checkpoint with all its signatures.
// Source: LEDGER, section 9; C2SP tlog-proof.

import { MAX_NUMBER, fromAscii, fromBase64, fromDecimal, refuse } from "./bytes.js";
import { MAX_NOTE_BYTES, readCheckpointText, splitNote } from "./note.js";
import { MAX_PATH, checkHashes } from "./tree.js";

const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
export const MAX_ENTRY_BYTES = 65535;
const MAX_PROOF_BYTES = MAX_NOTE_BYTES + 96 * 1024;
const NEWLINE = 0x0a;

export async function parseProof(data) {
  if (data.length > MAX_PROOF_BYTES) refuse`a proof file has at most ${MAX_PROOF_BYTES} bytes`;
  const at = findBlank(data);
  const lines = fromAscii(data.subarray(0, at)).split("\n");
  if (lines.shift() !== PROOF_HEADER) refuse`a proof file begins with ${PROOF_HEADER}`;
  const extra = lines[0]?.startsWith("extra ") ? fromBase64(lines.shift().slice(6)) : null;
  if (!lines[0]?.startsWith("index ")) refuse`the index is missing`;
  const index = fromDecimal(lines.shift().slice(6));
  const path = lines.map(fromBase64);
  const note = data.subarray(at + 2);
  await readCheckpointText(splitNote(note).text);
  if (index >= MAX_NUMBER || path.length > MAX_PATH) refuse`index or path is out of range`;
  checkHashes(path);
  if (extra && extra.length > MAX_ENTRY_BYTES) refuse`the extra bytes are longer than an entry`;
  return { index, path, note, extra };
}

function findBlank(data) {
  const at = data.findIndex((byte, index) => byte === NEWLINE && data[index + 1] === NEWLINE);
  return at < 0 ? refuse`there is no empty line before the checkpoint` : at;
}
