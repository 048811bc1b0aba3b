// Policies: which logs are known, and which witnesses must have cosigned. Checked as a whole.
// Source: LEDGER, section 8; C2SP tlog-policy.

import { fromUtf8, quote, refuse, toHex } from "./bytes.js";
import { COSIGNATURE, ED25519, ML_DSA_44_COSIGNATURE, parseVkey } from "./keys.js";
import { readCheckpointText, readNote } from "./note.js";

const MAX_POLICY_BYTES = 65536;
const NO_QUORUM = "none";

export async function parsePolicy(data) {
  if (data.length > MAX_POLICY_BYTES || data.at(-1) !== 0x0a) refuse`a policy ends in a newline`;
  const text = fromUtf8(data);
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) refuse`a policy has a control character`;
  const policy = { logs: [], witnesses: [], groups: [], quorum: null };
  const defined = new Set([NO_QUORUM]);
  for (const [at, line] of text.slice(0, -1).split("\n").entries()) {
    const items = line.split(/[ \t]+/).filter(Boolean);
    if (items.length && !items[0].startsWith("#")) await readStatement(items, policy, defined, at + 1);
  }
  if (policy.quorum === null) refuse`a policy has one quorum`;
  checkNamesAndKeys(policy);
  return policy;
}

async function readStatement([word, ...items], policy, defined, number) {
  if (word === "log" && (items.length === 1 || items.length === 2)) {
    policy.logs.push({ key: await parseVkey(items[0]), url: items[1] });
  } else if (word === "witness" && (items.length === 2 || items.length === 3)) {
    policy.witnesses.push({ name: items[0], key: await parseVkey(items[1]), url: items[2] });
    defined.add(items[0]);
  } else if (word === "group" && items.length >= 2 && items.slice(2).every((name) => defined.has(name))) {
    policy.groups.push({ name: items[0], threshold: threshold(items[1], items.length - 2), members: items.slice(2) });
    defined.add(items[0]);
  } else if (word === "quorum" && items.length === 1 && defined.has(items[0]) && policy.quorum === null) {
    policy.quorum = items[0];
  } else {
    refuse`line ${number} of the policy is no statement, or uses a name before it is defined`;
  }
}

function threshold(count, members) {
  if (count === "any") return 1;
  if (count === "all") return members;
  return /^[1-9][0-9]{0,4}$/.test(count) ? Number(count) : refuse`${quote(count)} is not any, all or a number`;
}

function checkNamesAndKeys({ logs, witnesses, groups }) {
  for (const { key } of logs) if (key.type !== ED25519) refuse`${quote(key.name)} is not the key of a log`;
  for (const { key } of witnesses) {
    if (![COSIGNATURE, ML_DSA_44_COSIGNATURE].includes(key.type)) refuse`${quote(key.name)} is not the key of a witness`;
  }
  const keys = [...logs, ...witnesses].map(({ key }) => toHex(key.raw));
  if (new Set(keys).size !== keys.length) refuse`a public key stands twice in the policy`;
  for (const { url } of [...logs, ...witnesses]) {
    if (url !== undefined && /[\u0000-\u0020\u007f]/.test(url)) refuse`${quote(url)} is no URL`;
  }
  const [names, members] = [new Set([NO_QUORUM]), new Set()];
  for (const item of [...witnesses, ...groups]) {
    if (names.has(item.name)) refuse`name ${quote(item.name)} is taken`;
    for (const member of item.members ?? []) {
      if (member === NO_QUORUM || !names.has(member) || members.has(member)) refuse`${quote(member)} counts twice`;
      members.add(member);
    }
    if (item.members && (item.threshold < 1 || item.threshold > item.members.length)) {
      refuse`group ${quote(item.name)} has ${item.members.length} members and takes ${item.threshold}`;
    }
    names.add(item.name);
  }
}

/** A checkpoint that a log of the policy signed for its own origin; cosignatures are for `readCosigners`. */
export async function readSigned(policy, data) {
  const note = await readNote(data, policy.logs.map(({ key }) => key));
  const checkpoint = await readCheckpointText(note.text);
  const log = note.verified.map(({ verifier }) => verifier).find(({ name }) => name === checkpoint.origin);
  return { ...checkpoint, log: log ?? refuse`no known log signed this checkpoint of ${quote(checkpoint.origin)}` };
}

/**
 * Who of the policy cosigned and when, and whose lines cannot be checked here. `state`: `none` (nobody has to), `reached`,
 * or `unable` (only with lines that cannot be checked). A quorum that is not reached, and a bad line, are refused.
 */
export async function readCosigners(policy, data) {
  const note = await readNote(data, policy.witnesses.map(({ key }) => key));
  const named = (rows) =>
    policy.witnesses.flatMap(({ name, key }) =>
      rows.filter(({ verifier }) => verifier === key).map(({ seconds }) => ({ name, seconds })),
    );
  const [cosigned, unchecked] = [named(note.verified), named(note.unchecked)];
  const names = (rows) => rows.map(({ name }) => name);
  if (policy.quorum === NO_QUORUM) return { cosigned, unchecked, state: "none" };
  if (isReached(policy, names(cosigned))) return { cosigned, unchecked, state: "reached" };
  if (isReached(policy, names([...cosigned, ...unchecked]))) return { cosigned, unchecked, state: "unable" };
  if (!cosigned.length) return refuse`quorum ${quote(policy.quorum)} is not reached: nobody cosigned`;
  return refuse`quorum ${quote(policy.quorum)} is not reached by ${names(cosigned).join(", ")}`;
}

export function isReached(policy, cosigners) {
  const seen = new Set(cosigners);
  for (const { name, threshold: wanted, members } of policy.groups) {
    if (members.filter((member) => seen.has(member)).length >= wanted) seen.add(name);
  }
  return policy.quorum === NO_QUORUM || seen.has(policy.quorum);
}
