// What an evidence pack proves: each check has a name, a state and a sentence; one that needs another waits for it.
// The same rules in Python: hub/evidence_pack.py. Source: docs/spec/evidence-pack.md.

import { Refusal, Unable, concat, isEqual, refuse, toBytes, toHex } from "./bytes.js";
import { acceptedPositions, readEntry, readEventEntry, readTbs } from "./entry.js";
import { checkPublicKey, producerKeyId, verifyEd25519 } from "./keys.js";
import { parsePack } from "./pack.js";
import { parsePolicy, readCosigners, readSigned } from "./policy.js";
import { parseProof } from "./proof.js";
import { CHECKS, SKIPPED, UNFORESEEN, fill } from "./texts.js";
import { hashLeaf, verifyConsistency, verifyInclusion } from "./tree.js";
import { instant } from "./values.js";

const HUB_PRODUCER = "00-hub";
const HUB_KEY_LABEL = toBytes("pprd-hub-key/v1\n\0");

/** The checks so far, in order. */
class Report {
  constructor() {
    this.checks = [];
  }

  /** Make one check. `needs` are values of earlier ones; `job` gives a value and its sentence, or throws. */
  async check(name, needs, job) {
    if (needs.includes(null)) return this.add(name, "skipped", SKIPPED, null);
    try {
      const { value, state = "pass", why = CHECKS[name].why, said = {} } = await job();
      return this.add(name, state, fill(why, said), value);
    } catch (error) {
      const state = error instanceof Unable ? "unknown" : "fail";
      const isKnown = error instanceof Refusal || error instanceof Unable;
      const [en, zh] = isKnown ? error.both : fill(UNFORESEEN, { error });
      return this.add(name, state, [`${en}.`, `${zh}。`], null);
    }
  }

  add(name, state, why, value) {
    this.checks.push({ name, state, why });
    return value;
  }

  get verdict() {
    const states = this.checks.map(({ state }) => state);
    if (states.includes("fail")) return "fail";
    return states.every((state) => state === "pass" || state === "none") ? "pass" : "unknown";
  }
}

/**
 * Check a pack.
 *
 * `words` holds the schemas and what ends content; `data` the bytes of the pack, or a function that throws a Refusal where
 * there are none; `ownPolicy` the bytes of a policy to take instead of the one in the pack, or null.
 */
export async function verifyPack(words, data, ownPolicy = null, report = new Report()) {
  const pack = await report.check("form", [], () => ({ value: parsePack(typeof data === "function" ? data() : data) }));
  const policy = await report.check("policy", [ownPolicy ?? pack], () => checkPolicy(ownPolicy ?? pack.policy));
  const proof = await report.check("receipt", [pack], () => checkReceipt(pack));
  const event = await report.check("event", [proof], () => checkEvent(words, proof));
  const head = await report.check("signature", [policy, proof], () => checkSignature(policy, proof));
  const cosigners = await report.check("witnesses", [head], () => checkWitnesses(policy, proof.note));
  await report.check("inclusion", [head], () => checkInclusion(proof, head));
  const heads = await report.check("chain", [head], () => checkChain(policy, pack, proof));
  const genesis = await report.check("genesis", [heads], () => checkGenesis(words, pack, heads, head));
  const batch = await report.check("batch", [heads, event], () => checkBatch(words, pack, heads, proof, event));
  const key = await report.check("key", [batch, genesis], () => checkKey(words, pack, heads, batch, genesis));
  await report.check("producer", [batch, key], () => checkProducer(batch, key));
  if (pack?.ends.length) {
    await report.check("ends", [heads, event], () => checkEnds(words, pack, heads, proof, event));
  }
  const facts = { pack, policy, proof, event, head, cosigners, heads, batch, isOwn: ownPolicy !== null };
  return { verdict: report.verdict, checks: report.checks, facts };
}

export function newReport() {
  return new Report();
}

async function checkPolicy(data) {
  const value = await parsePolicy(data);
  const { logs, witnesses, quorum } = value;
  return { value, said: { logs: logs.length, witnesses: witnesses.length, quorum } };
}

async function checkReceipt(pack) {
  const value = await parseProof(pack.receipt);
  if (!value.extra) refuse`the receipt carries no entry, so it does not say what was recorded`;
  return { value, said: { index: value.index } };
}

function checkEvent(words, proof) {
  return { value: readEventEntry(words, proof.extra) ?? refuse`entry ${proof.index} is no event` };
}

async function checkSignature(policy, proof) {
  const value = await readSigned(policy, proof.note);
  return { value, said: { origin: value.origin, size: value.size } };
}

async function checkWitnesses(policy, note) {
  const value = await readCosigners(policy, note);
  const names = ({ name, seconds }) => `${name} (${instant(seconds * 1000n)})`;
  const { quorum } = policy;
  if (value.state === "none") return { value, state: "none", why: CHECKS.witnesses.none };
  if (value.state === "reached") return { value, said: { quorum, names: value.cosigned.map(names).join(", ") } };
  const unable = value.unchecked.map(({ name }) => name).join(", ");
  return { value, state: "unknown", why: CHECKS.witnesses.unable, said: { quorum, names: unable } };
}

async function checkInclusion({ index, path, extra }, { size, root }) {
  await verifyInclusion({ leaf: await hashLeaf(extra), index, size, path, root });
  return { value: true, said: { index } };
}

/** Every checkpoint is signed as the policy demands, each is the beginning of the next, the receipt's is among them. */
async function checkChain(policy, pack, proof) {
  const heads = [];
  for (const { note, path } of pack.checkpoints) {
    const head = { ...(await readSigned(policy, note)), ...(await readCosigners(policy, note)), path };
    if (heads.length) await checkGrowth(heads.at(-1), head);
    heads.push(head);
  }
  if (!pack.checkpoints.some(({ note }) => isEqual(note, proof.note))) refuse`the receipt's checkpoint is not in the chain`;
  const said = { count: heads.length, sizes: heads.map(({ size }) => size).join(", ") };
  const state = heads.some((head) => head.state === "unable") ? "unknown" : "pass";
  return { value: heads, state, said, why: heads.length > 1 ? CHECKS.chain.why : CHECKS.chain.one };
}

async function checkGrowth(old, later) {
  if (old.origin !== later.origin || old.size >= later.size) refuse`size ${later.size} does not follow ${old.size}`;
  await verifyConsistency({ size1: old.size, size2: later.size, path: later.path, root1: old.root, root2: later.root });
}

async function checkPlaced({ checkpoint, index, content, path }, heads) {
  const { size, root } = heads[checkpoint];
  await verifyInclusion({ leaf: await hashLeaf(content), index, size, path, root });
}

async function checkGenesis(words, pack, heads, head) {
  await checkPlaced(pack.genesis, heads);
  const value = readEntry(words, pack.genesis.content);
  const isBeginning = pack.genesis.index === 0n && value.kind === "GenesisEntry" && value.origin === head.origin;
  if (!isBeginning) refuse`entry ${pack.genesis.index} is not the beginning of ${head.origin}`;
  const isSame = value.log_key === head.log.vkey;
  const sameKey = isSame ? "the one that signed here" : "another one than signed here: ask how it was replaced";
  const sameKeyZh = isSame ? "即此处签名的密钥" : "并非此处签名的密钥：请查明如何更换";
  return { value, said: { origin: value.origin, created: instant(value.created_at), sameKey, sameKeyZh } };
}

/** The event is the entry that its batch entry puts there, and a leaf under the root that the producer signed. */
async function checkBatch(words, pack, heads, proof, event) {
  await checkPlaced(pack.batch, heads);
  const entry = readEntry(words, pack.batch.content);
  if (entry.kind !== "BatchEntry") refuse`entry ${pack.batch.index} is no batch`;
  const batch = readTbs(entry.tbs);
  const { position, path } = pack.place;
  const behind = proof.index - pack.batch.index - 1n;
  const accepted = acceptedPositions(batch.n, entry.refused);
  if (behind < 0n || behind >= accepted.length || BigInt(accepted[Number(behind)]) !== position) {
    refuse`entry ${proof.index} is not event ${position} of the batch of entry ${pack.batch.index}`;
  }
  const size = BigInt(batch.n);
  await verifyInclusion({ leaf: await hashLeaf(event.bytes), index: position, size, path, root: batch.root });
  const recorded = instant(entry.recorded_at);
  const said = { position: position + 1n, n: batch.n, producer: batch.producer, index: pack.batch.index, recorded };
  return { value: { ...batch, ...entry, index: pack.batch.index }, said };
}

/** The key that signed: from the genesis entry for the hub's own batches, else from the event that registered it. */
async function checkKey(words, pack, heads, batch, genesis) {
  const purpose = batch.producer === HUB_PRODUCER ? "hub-events" : "batch";
  const isFirst = purpose === "hub-events" && !pack.key;
  const raw = isFirst ? genesis.hub_key : await registeredKey(words, pack, heads, batch, purpose);
  const id = await producerKeyId(purpose, raw);
  if (!isEqual(id, batch.key_id)) refuse`the batch names key ${toHex(batch.key_id)}`;
  checkPublicKey(raw);
  const said = { index: pack.key?.index, producer: batch.producer, key: toHex(id) };
  return { value: raw, said, why: isFirst ? CHECKS.key.hub : CHECKS.key.why };
}

async function registeredKey(words, pack, heads, batch, purpose) {
  if (!pack.key || pack.key.index >= batch.index) refuse`no event before the batch registers its key`;
  await checkPlaced(pack.key, heads);
  const event = readEventEntry(words, pack.key.content);
  const isHub = event?.header.event_type === "HubKeyReplaced";
  const isFor = isHub || event?.header.event_type === "KeyRegistered";
  const [wanted, producer] = isHub ? ["hub-events", HUB_PRODUCER] : isFor ? [event.body.purpose, event.body.producer] : [];
  if (wanted !== purpose || producer !== batch.producer) refuse`entry ${pack.key.index} registers no key of its producer`;
  const { replaced, public_key: key, signature } = event.body;
  if (isHub) await verifyEd25519(key, signature, concat(HUB_KEY_LABEL, replaced, key));
  return key;
}

async function checkProducer(batch, key) {
  await verifyEd25519(key, batch.signature, batch.tbs);
  return { value: true, said: { producer: batch.producer } };
}

async function checkEnds(words, pack, heads, proof, { header }) {
  const found = [];
  for (const part of pack.ends) {
    await checkPlaced(part, heads);
    const end = readEventEntry(words, part.content);
    const target = end && destroyed(words, end);
    const isOurs = target && [header.stream_id, header.event_id].some((id) => isEqual(id, target));
    if (part.index <= proof.index || !isOurs) refuse`entry ${part.index} destroyed nothing of this event`;
    found.push(`${end.header.event_type} (${part.index}, ${instant(end.header.occurred_at)})`);
  }
  return { value: found, said: { events: found.join(", ") } };
}

/** Id of the stream or the event whose content an event destroyed; null if it destroyed nothing. */
function destroyed(words, { header, body }) {
  const row = `${header.procedure}/${header.edition}/${header.event_type}`;
  if (!Object.hasOwn(words.ends, row)) return null;
  return words.ends[row] === null ? header.stream_id : body[words.ends[row]];
}
