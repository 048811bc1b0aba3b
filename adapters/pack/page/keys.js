// Public keys as notes write them, and which Ed25519 keys are refused; the browser's WebCrypto checks signatures.
// Source: LEDGER, section 2; C2SP signed-note; RFC 8032, sections 5.1.3 and 5.1.7.

import { fromBase64, fromHex, quote, refuse, sha256, toBytes, toHex, unable } from "./bytes.js";

export const ED25519 = 0x01;
export const COSIGNATURE = 0x04;
export const ML_DSA_44_COSIGNATURE = 0x06;
const KEY_BYTES = { [ED25519]: 32, [COSIGNATURE]: 32, [ML_DSA_44_COSIGNATURE]: 1312 };
const MAX_VKEY_LENGTH = 2560;
// What Unicode calls white space, and the other characters that no name holds.
const NOT_IN_NAMES = /[\u0000-\u0020+\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

export function checkName(name) {
  if (!name || NOT_IN_NAMES.test(name)) refuse`${quote(name)} is not the name of a key`;
}

/** `name+hex8(key id)+base64(type byte || public key)`. The fingerprint is the whole hash of which the id is the beginning. */
export async function parseVkey(vkey) {
  const [name, id, ...rest] = vkey.split("+");
  if ([...vkey].length > MAX_VKEY_LENGTH || !rest.length) refuse`${quote(vkey)} is not a verifier key`;
  const typed = fromBase64(rest.join("+"));
  const [type, raw] = [typed[0], typed.subarray(1)];
  if (!(type in KEY_BYTES)) refuse`the key of ${quote(name)} has an unknown type`;
  checkName(name);
  if (raw.length !== KEY_BYTES[type]) refuse`the key of ${quote(name)} has ${raw.length} bytes`;
  if (type !== ML_DSA_44_COSIGNATURE) checkPublicKey(raw);
  const hash = await sha256(toBytes(name), Uint8Array.of(0x0a), typed);
  if (toHex(hash.subarray(0, 4)) !== id) refuse`the key of ${quote(name)} has another id than ${quote(id)}`;
  return { name, type, raw, id: hash.subarray(0, 4), fingerprint: toHex(hash), vkey };
}

const P = 2n ** 255n - 19n;
const SMALL_ORDER_Y = [
  0n,
  1n,
  P - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
];

/** Refuses what is not the one encoding of a point of the curve, and the points of small order. */
export function checkPublicKey(raw) {
  if (raw.length !== 32) refuse`a public key has 32 bytes, not ${raw.length}`;
  const y = BigInt(`0x${toHex(raw.slice().reverse())}`) & (2n ** 255n - 1n);
  if (y >= P) refuse`the key is not canonically encoded`;
  if (SMALL_ORDER_Y.includes(y)) refuse`the key is of small order`;
  const d = (P - 121665n) * power(121666n, P - 2n);
  const x2 = (y * y - 1n + P) * power(d * y * y + 1n, P - 2n);
  if (power(x2, (P - 1n) / 2n) !== 1n) refuse`the key is no point of the curve`;
}

function power(base, exponent) {
  let result = 1n;
  for (let factor = base % P; exponent; exponent >>= 1n) {
    if (exponent & 1n) result = (result * factor) % P;
    factor = (factor * factor) % P;
  }
  return result;
}

export async function verifyEd25519(raw, signature, signed) {
  await checkEd25519();
  if (signature.length !== 64 || !(await isSigned(raw, signature, signed))) refuse`the signature is not good`;
}

async function isSigned(raw, signature, signed) {
  const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, key, signature, signed);
}

// RFC 8032, section 7.1, test 2: what a browser must say yes to, and no to when one bit is another.
const KNOWN_KEY = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
const KNOWN_SIGNATURE = fromHex(
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
);

let ability = null;

/** Tried once: whether the browser says yes to the known signature and no to another text. */
async function checkEd25519() {
  ability ??= Promise.all([0x72, 0x73].map((byte) => isSigned(KNOWN_KEY, KNOWN_SIGNATURE, Uint8Array.of(byte))))
    .then(([yes, no]) => yes && !no)
    .catch(() => false);
  if (!(await ability)) unable`this browser cannot check Ed25519 signatures`;
}

/** Id of a producer's key: first 8 bytes of SHA-256("pprd-key/v1\n\0" || purpose || 00 || key). */
export async function producerKeyId(purpose, raw) {
  const hash = await sha256(toBytes("pprd-key/v1\n\0"), toBytes(purpose), Uint8Array.of(0), raw);
  return hash.subarray(0, 8);
}
