// Bytes: base64 and decimals in their one form, UTF-8 that is checked, hexadecimal, and the browser's SHA-256.
// Each parser here reads exactly one form of a thing and refuses the rest (LEDGER, section 2).

import { REASONS } from "./reasons.js";

/** A reason in both languages. */
class Reason extends Error {
  constructor(en, zh = "") {
    super(en);
    this.both = [en, zh];
  }
}

/** What is refused: the evidence is not as it must be. */
export class Refusal extends Reason {}

/** What this browser cannot do: nothing is known then, and nothing is claimed. */
export class Unable extends Reason {}

/** Tags of templates: their text in English is the key of their text in Chinese. */
export function refuse(parts, ...values) {
  throw new Refusal(...inBoth(parts, values));
}

export function unable(parts, ...values) {
  throw new Unable(...inBoth(parts, values));
}

function inBoth(parts, values) {
  const key = parts.reduce((text, part, at) => `${text}{${at - 1}}${part}`);
  return [key, REASONS[key]].map((text) => text.replace(/\{(\d)\}/g, (_, at) => String(values[at])));
}

export const MAX_NUMBER = (1n << 63n) - 1n;
export const HASH_BYTES = 32;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

export function toBytes(text) {
  return ENCODER.encode(text);
}

export function fromUtf8(data) {
  try {
    return UTF8.decode(data);
  } catch {
    return refuse`a byte is not UTF-8`;
  }
}

export function fromAscii(data) {
  if (data.some((byte) => byte > 0x7f)) refuse`a byte is not ASCII`;
  return UTF8.decode(data);
}

export function toBase64(data) {
  let text = "";
  for (let at = 0; at < data.length; at += 4096) text += String.fromCharCode(...data.subarray(at, at + 4096));
  return btoa(text);
}

/** Standard alphabet, padded, no bit left over: what does not encode back to itself is refused. */
export function fromBase64(text) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4) refuse`${quote(text)} is not base64`;
  const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  if (toBase64(data) !== text) refuse`${quote(text)} is not the base64 of its own content`;
  return data;
}

/** A number from 0 to 2^63-1 without sign, space or leading zero; a BigInt. */
export function fromDecimal(text) {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) > MAX_NUMBER) refuse`${quote(text)} is not a number`;
  return BigInt(text);
}

export function toHex(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Big-endian; a BigInt. */
export function toNumber(data) {
  return data.length ? BigInt(`0x${toHex(data)}`) : 0n;
}

export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function isEqual(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

export function startsWith(data, prefix) {
  return isEqual(data.subarray(0, prefix.length), prefix);
}

export function quote(text) {
  return JSON.stringify([...text].slice(0, 40).join(""));
}

export async function sha256(...parts) {
  if (!globalThis.crypto?.subtle) unable`this browser offers no WebCrypto to this page`;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}
