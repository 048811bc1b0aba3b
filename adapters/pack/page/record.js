// The event as a person reads it: header, body and what it sealed. Everything shown is read from the bytes that are proved.

import { toHex } from "./bytes.js";
import { both, el, lines, mono, pairs, table } from "./dom.js";
import { COLUMNS, FIELDS, HEADINGS, NOTHING, PARAGRAPHS, REGIONS, SANDBOX, YES_NO } from "./texts.js";
import { groups, instant, uuid, inWords } from "./values.js";

const HEADER_FIELDS = [
  "procedure", "producer_region", "producer_office", "counterpart_region", "counterpart_office", "occurred_at", "purpose",
  "legal_basis", "data_class", "stream_id", "stream_seq", "event_id", "prev_hash", "correlation_id", "causation_id",
];

// A symbol of an enumeration first, in the field that may hold it.
const KINDS_OF_TEXT = ["symbol", "reason", "procedure", "event", "purpose", "profile", "office", "actor", "side"];

export function eventName(words, { header }) {
  return [inWords(header.event_type), term(words, "event", header.event_type, header.procedure)];
}

/** `batch` is the batch that was checked, or null: then nobody says when the event was recorded. */
export function recordParts(words, event, batch) {
  const { header, body, headerSchema, bodySchema } = event;
  const shown = HEADER_FIELDS.filter((name) => header[name] !== null);
  const typeOf = (schema, name) => schema.fields.find((field) => field.name === name).type;
  const rows = (schema, value, names) =>
    names.map((name) => [fieldName(words, name), show(words, name, typeOf(schema, name), value[name])]);
  return [
    header.sandbox ? el("p", { class: "note" }, lines(SANDBOX)) : null,
    bodySchema.doc ? el("p", {}, bodySchema.doc) : null,
    pairs([
      ...(batch ? [[fieldName(words, "recorded_at"), instant(batch.recorded_at)]] : []),
      ...rows(headerSchema, header, shown),
      ...rows(bodySchema, body, Object.keys(body)),
    ]),
  ];
}

export function sealedParts(words, { header }, isEnded) {
  if (!header.sealed.length) return [el("p", {}, lines(PARAGRAPHS.noneSealed))];
  const rows = header.sealed.map((ref) =>
    el("tr", {},
      el("td", {}, both([ref.profile, term(words, "profile", ref.profile)])),
      el("td", {}, `${ref.bucket_kib} KiB`),
      el("td", {}, mono(ref.recipients.join(" "))),
      el("td", {}, mono(groups(toHex(ref.commitment)))),
    ),
  );
  const columns = [COLUMNS.profile, COLUMNS.kib, COLUMNS.recipients, COLUMNS.commitment];
  const said = isEnded ? PARAGRAPHS.erased : PARAGRAPHS.sealed;
  return [el("p", {}, lines(said)), table(HEADINGS.sealed, columns, rows)];
}

function fieldName(words, name) {
  return [FIELDS[name] ?? inWords(name), term(words, "field", name)];
}

/** The Chinese word of a name, in its procedure if it has one of its own there; nothing where there is none. */
function term(words, kind, name, scope = "") {
  const rows = words.terms[kind] ?? {};
  const key = [`${scope}/${name}`, `/${name}`].find((one) => Object.hasOwn(rows, one));
  return key === undefined ? "" : rows[key];
}

function show(words, name, type, value) {
  if (value === null) return both(NOTHING);
  if (value instanceof Uint8Array) return mono(value.length === 16 ? uuid(value) : groups(toHex(value)));
  if (Array.isArray(value)) return showList(words, name, itemsOf(type), value);
  if (typeof value === "boolean") return both(YES_NO[value]);
  if (typeof value === "bigint") return name === "n" ? String(value) : instant(value);
  if (typeof value === "object") return pairs(Object.entries(value).map(([key, part]) => [fieldName(words, key), show(words, key, null, part)]));
  return showText(words, name, String(value));
}

function showText(words, name, text) {
  if (name.endsWith("region") && Object.hasOwn(REGIONS, text)) return both([`${text} ${REGIONS[text][0]}`, REGIONS[text][1]]);
  if (name.endsWith("office")) return mono(text);
  const zh = KINDS_OF_TEXT.map((kind) => term(words, kind, text, name)).find(Boolean);
  return both([text, zh ?? ""]);
}

function showList(words, name, items, values) {
  if (!values.length) return both(NOTHING);
  return el("ul", {}, values.map((value) => el("li", {}, show(words, name, items, value))));
}

function itemsOf(type) {
  return type?.items ?? null;
}
