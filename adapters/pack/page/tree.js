// The Merkle tree of RFC 6962. The exact length of a proof is looked at first, then it is folded; nothing may be left over.
// Sizes and indexes are BigInt. Source: LEDGER, section 1; RFC 9162, sections 2.1.3.2 and 2.1.4.2.

import { HASH_BYTES, MAX_NUMBER, isEqual, refuse, sha256 } from "./bytes.js";

export const MAX_PATH = 63;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export function hashLeaf(data) {
  return sha256(LEAF, data);
}

export function hashNode(left, right) {
  return sha256(NODE, left, right);
}

export function checkHashes(hashes) {
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) refuse`a hash has not 32 bytes`;
}

export async function verifyInclusion({ leaf, index, size, path, root }) {
  if (index < 0n || index >= size || size > MAX_NUMBER) refuse`leaf ${index} is not in a tree of ${size} leaves`;
  const wanted = pathLength(index, size - 1n);
  if (path.length !== wanted || wanted > MAX_PATH) refuse`the path has ${path.length} hashes, ${wanted} are needed`;
  checkHashes([leaf, root, ...path]);
  const inner = bitLength(index ^ (size - 1n));
  let node = leaf;
  for (const [level, sibling] of path.entries()) {
    const isRight = level >= inner || (index >> BigInt(level)) & 1n;
    node = isRight ? await hashNode(sibling, node) : await hashNode(node, sibling);
  }
  if (!isEqual(node, root)) refuse`the path does not lead to the root that was signed`;
}

export async function verifyConsistency({ size1, size2, path, root1, root2 }) {
  if (size1 < 0n || size1 > size2 || size2 > MAX_NUMBER) refuse`size ${size1} is no beginning of size ${size2}`;
  checkHashes([root1, root2, ...path]);
  if (size1 === 0n && !isEqual(root1, await sha256())) refuse`size 0 has another root than that of nothing`;
  if (size1 === size2 && !isEqual(root1, root2)) refuse`one size has two roots`;
  if (size1 === 0n || size1 === size2) {
    if (path.length) refuse`this proof has to be empty`;
    return;
  }
  const [old, later] = await foldConsistency(size1, size2, path, root1);
  if (!isEqual(old, root1) || !isEqual(later, root2)) refuse`the tree of ${size1} is no beginning of that of ${size2}`;
}

async function foldConsistency(size1, size2, path, root1) {
  const level = BigInt(bitLength(size1 & -size1) - 1);
  let index = (size1 - 1n) >> level;
  let last = (size2 - 1n) >> level;
  // The largest subtree that ends at size1 begins the proof; it is root1 itself if size1 is a power of two.
  const hashes = index ? [...path] : [root1, ...path];
  const wanted = pathLength(index, last) + (index ? 1 : 0);
  if (path.length !== wanted || wanted > MAX_PATH) refuse`the proof has ${path.length} hashes, ${wanted} are needed`;
  let old = hashes.shift();
  let later = old;
  for (const sibling of hashes) {
    // A last node without sibling rises unchanged until it is a right child.
    while (index === last && !(index & 1n)) {
      index >>= 1n;
      last >>= 1n;
    }
    if (index & 1n) {
      old = await hashNode(sibling, old);
      later = await hashNode(sibling, later);
    } else {
      later = await hashNode(later, sibling);
    }
    index >>= 1n;
    last >>= 1n;
  }
  return [old, later];
}

/** Siblings on the way from a node to the root over a level whose last node is `last`. */
function pathLength(index, last) {
  const inner = bitLength(index ^ last);
  return inner + popCount(index >> BigInt(inner));
}

function bitLength(number) {
  return number === 0n ? 0 : number.toString(2).length;
}

function popCount(number) {
  return number.toString(2).replaceAll("0", "").length;
}
