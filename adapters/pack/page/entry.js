// What one leaf of the ledger holds: the genesis record, a batch header, or an event; and the bytes that a producer signs.
// Source: LEDGER, sections 4 and 5.

import { fromAscii, quote, refuse, startsWith, toBytes, toHex, toNumber } from "./bytes.js";
import { readSingle } from "./avro.js";
import { MAX_ENTRY_BYTES } from "./proof.js";

const ENTRY_LABEL = toBytes("pprd-entry/v1\n\0");
const EVENT_LABEL = toBytes("pprd-event/v1\n\0");
const BATCH_LABEL = toBytes("pprd-batch/v1\n\0");
const MAX_BATCH = 1024;
const REST_BYTES = 16 + 8 + 4 + 8 + 32 + 32;

/** Kind (`GenesisEntry`, `BatchEntry`, `EventEntry`) and fields; the genesis of a successor names how another ended. */
export function readEntry(words, data) {
  if (data.length > MAX_ENTRY_BYTES || !startsWith(data, ENTRY_LABEL)) refuse`the bytes do not begin like an entry`;
  const { schema, value } = readSingle(words.schemas, data.subarray(ENTRY_LABEL.length));
  if (schema.name === "BatchEntry") checkRefused(value.refused);
  return { kind: schema.name.replace("Successor", ""), ...value };
}

function checkRefused(refused) {
  for (const [at, { position, code }] of refused.entries()) {
    const before = at ? refused[at - 1].position : -1;
    if (position <= before || position >= MAX_BATCH) refuse`refused events do not stand in order of position`;
    if (!/^[A-Z][A-Z_]{0,27}$/.test(code)) refuse`${quote(code)} is not a reason code`;
  }
}

/** Header and body of an event, each with its schema. */
export function readEvent(words, event) {
  if (!startsWith(event, EVENT_LABEL)) refuse`the bytes do not begin like an event`;
  const header = readSingle(words.schemas, event.subarray(EVENT_LABEL.length));
  if (header.schema.name !== "EventHeader") refuse`the bytes are no event`;
  const body = readSingle(words.schemas, header.value.body);
  if (body.fingerprint !== toHex(header.value.schema_id)) refuse`the body has another schema than the header says`;
  return { bytes: event, header: header.value, headerSchema: header.schema, body: body.value, bodySchema: body.schema };
}

export function readEventEntry(words, data) {
  const entry = readEntry(words, data);
  return entry.kind === "EventEntry" ? readEvent(words, entry.event) : null;
}

/** What a producer says of its batch: the fields of TBS. */
export function readTbs(tbs) {
  const at = BATCH_LABEL.length + 1;
  const end = at + (tbs[at - 1] ?? 0);
  if (!startsWith(tbs, BATCH_LABEL) || tbs.length !== end + REST_BYTES) refuse`these are not the bytes of a batch`;
  const producer = fromAscii(tbs.subarray(at, end));
  if (!/^[0-9a-z][0-9a-z-]{0,63}$/.test(producer)) refuse`the producer is not a name`;
  const rest = tbs.subarray(end);
  const n = Number(toNumber(rest.subarray(24, 28)));
  if (n < 1 || n > MAX_BATCH) refuse`a batch of ${n} events`;
  return {
    producer,
    batchId: rest.subarray(0, 16),
    seq: toNumber(rest.subarray(16, 24)),
    n,
    createdMs: toNumber(rest.subarray(28, 36)),
    root: rest.subarray(68, 100),
  };
}

/** Places in the batch, from 0, of the events that follow the batch entry, in order. */
export function acceptedPositions(n, refused) {
  const left = new Set(refused.map(({ position }) => position));
  return Array.from({ length: n }, (_, at) => at).filter((at) => !left.has(at));
}
