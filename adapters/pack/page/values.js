// Values as a person reads them: instants in Beijing time, ids in groups, names as words.

import { toHex } from "./bytes.js";

const SHANGHAI_MS = 8n * 3600n * 1000n;
const LAST_MS = 253402300799999n;

/** Milliseconds since the epoch (BigInt) as Beijing time, to the minute. */
export function instant(ms) {
  const shown = ms + SHANGHAI_MS;
  if (ms < 0n || shown > LAST_MS) return `${ms} ms`;
  return `${new Date(Number(shown)).toISOString().slice(0, 16).replace("T", " ")} UTC+8`;
}

export function uuid(data) {
  const hex = toHex(data);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Hexadecimal in groups of four, as people compare it. */
export function groups(hex) {
  return hex.match(/.{1,4}/g)?.join(" ") ?? "";
}

/** `ResidenceNoticeSent` and `arrived_on` as words. */
export function inWords(name) {
  const text = name.replaceAll("_", " ").replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
