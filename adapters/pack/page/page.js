// The page: it takes the pack out of the document, checks it, and shows what was found. It asks no network.

import { Refusal, fromBase64, fromUtf8, refuse, sha256, toBase64, toBytes, toHex } from "./bytes.js";
import { both, el, lines, mono, saving, section, table } from "./dom.js";
import { ML_DSA_44_COSIGNATURE } from "./keys.js";
import { eventName, recordParts, sealedParts } from "./record.js";
import { BUTTONS, CHECKS, COLUMNS, HEADINGS, PARAGRAPHS, ROLES, STATES, VERDICTS } from "./texts.js";
import { groups, instant } from "./values.js";
import { newReport, verifyPack } from "./verify.js";

const IN_FILE = /<script type="text\/plain" id="evidence">([^<]*)<\/script>/g;

/**
 * Take the evidence out of the document and show what it proves.
 *
 * `words` is what the verifier knows of the contracts; `allowed` the security policy of the page, in which `{script}` and
 * `{style}` stand for hashes, and `styleHash` the one of the style; `script` the text of the verifier itself.
 */
export async function start({ words, allowed, styleHash }, script) {
  const found = document.querySelectorAll("#evidence");
  const text = found.length === 1 ? found[0].textContent : "";
  const page = {
    words,
    read: () => fromBase64(text || refuse`there is no evidence in this page`),
    ownPolicy: null,
    isWhole: wholeness(allowed, styleHash, script),
    script: async () => groups(await sha256(toBytes(script)).then(toHex).catch(() => "")) || "?",
  };
  const status = el("div", { id: "verdict", role: "status", "aria-live": "polite", "aria-atomic": "true" });
  const [title, main] = [el("header", {}), el("div", { id: "rest" })];
  document.documentElement.lang = "en";
  document.body.replaceChildren(el("main", { id: "page" }, title, status, main));
  page.show = (part) => showPage(page, { title, status, main }, part);
  await page.show({});
}

/** Whether style, security policy, encoding and mode are those that the page was made with; read before it is replaced. */
function wholeness(allowed, styleHash, script) {
  // Elsewhere than in the head neither of them counts.
  const style = document.head.querySelector("style")?.textContent ?? "";
  const policy = document.head.querySelector('meta[http-equiv="Content-Security-Policy"]')?.content;
  const isStandard = document.compatMode === "CSS1Compat" && document.characterSet === "UTF-8";
  return async () => {
    const [ofScript, ofStyle] = [toBase64(await sha256(toBytes(script))), toBase64(await sha256(toBytes(style)))];
    const wanted = allowed.replace("{script}", ofScript).replace("{style}", styleHash);
    return isStandard && ofStyle === styleHash && policy === wanted;
  };
}

/** Check again and show it: `read` is another pack, `ownPolicy` another policy. */
async function showPage(page, places, change) {
  Object.assign(page, change);
  delete document.body.dataset.verdict;
  setVerdict(places.status, "unknown", VERDICTS.unknown.title, VERDICTS.unknown.soon);
  const report = newReport();
  await report.check("page", [], async () => ({ value: (await page.isWhole()) || refuse`the page was changed` }));
  const result = await verifyPack(page.words, page.read, page.ownPolicy, report);
  showVerdict(places.status, result);
  showTitle(page, places.title, result);
  places.main.replaceChildren(...(await parts(page, result)));
  document.body.dataset.verdict = result.verdict;
}

function showVerdict(place, { verdict, facts, checks }) {
  const { title, embedded, own } = VERDICTS[verdict];
  const names = verdict === "pass" ? [] : checks.filter(({ state }) => state === verdict).map(({ name }) => name);
  setVerdict(place, verdict, title, facts.isOwn ? own : embedded, names);
}

/** The verdict, with the checks that it rests on if it is not a good one. */
function setVerdict(place, state, title, sentence, names = []) {
  const mark = el("span", { class: "mark", "aria-hidden": "true" }, STATES[state].mark);
  const list = names.length ? el("ul", {}, names.map((name) => el("li", {}, both(CHECKS[name].title)))) : null;
  const label = list && el("p", {}, both(STATES[state].label), ":");
  const said = el("div", {}, el("p", { class: "title" }, both(title)), el("p", {}, lines(sentence)), label, list);
  place.className = `verdict ${state}`;
  place.replaceChildren(mark, said);
}

function showTitle(page, place, { verdict, facts }) {
  const name = facts.event ? eventName(page.words, facts.event) : HEADINGS.kind;
  place.replaceChildren(el("p", { class: "kind" }, both(HEADINGS.kind)), el("h1", {}, both(name)));
  document.title = `${VERDICTS[verdict].title.join(" ")}: ${name[0]}`;
}

async function parts(page, result) {
  const { facts, verdict } = result;
  const isEnded = Boolean(facts.pack?.ends.length);
  const doubt = verdict === "pass" ? null : el("p", { class: "note fail" }, both(HEADINGS.unproved));
  return [
    facts.event && section("record", HEADINGS.record, doubt, recordParts(page.words, facts.event, facts.batch)),
    facts.event && section("sealed", HEADINGS.sealed, sealedParts(page.words, facts.event, isEnded)),
    section("checks", HEADINGS.checks, checkTable(result)),
    section("keys", HEADINGS.keys, keyParts(page, facts)),
    facts.heads && section("heads", HEADINGS.heads, headTable(facts)),
    section("limits", HEADINGS.limits, el("ul", {}, PARAGRAPHS.limits.map((row) => el("li", {}, lines(row))))),
    section("parts", HEADINGS.parts, rawParts(page, facts)),
    section("about", HEADINGS.about, el("p", {}, lines(PARAGRAPHS.about)), el("p", {}, mono(await page.script()))),
  ].filter(Boolean);
}

function checkTable({ checks }) {
  const rows = checks.map(({ name, state, why }) => {
    const { mark, label } = STATES[state];
    const result = el("span", { class: `state ${state}` }, el("span", { "aria-hidden": "true" }, `${mark} `), both(label));
    const attributes = { "data-check": name, "data-state": state };
    return el("tr", attributes, el("th", { scope: "row" }, lines(CHECKS[name].title)), el("td", {}, result), el("td", {}, lines(why)));
  });
  return table(HEADINGS.checks, [COLUMNS.check, COLUMNS.result, COLUMNS.why], rows);
}

// -- keys and policies

function keyParts(page, { policy, isOwn }) {
  const rows = policy === null ? [] : [
    ...policy.logs.map(({ key }) => keyRow(key.name, ROLES.log, key)),
    ...policy.witnesses.map(({ name, key }) => keyRow(`${name}: ${key.name}`, roleOf(key), key)),
  ];
  const hasMlDsa = policy?.witnesses.some(({ key }) => key.type === ML_DSA_44_COSIGNATURE);
  return [
    el("p", { class: isOwn ? "note pass" : "note" }, lines(isOwn ? PARAGRAPHS.ownUsed : PARAGRAPHS.keys)),
    table(HEADINGS.keys, [COLUMNS.holder, COLUMNS.role, COLUMNS.fingerprint], rows),
    hasMlDsa ? el("p", {}, lines(PARAGRAPHS.mlDsa)) : null,
    policyForm(page, isOwn),
  ];
}

function roleOf(key) {
  return key.type === ML_DSA_44_COSIGNATURE ? ROLES.mlDsa : ROLES.witness;
}

function keyRow(name, role, key) {
  const cells = [el("td", {}, both(role)), el("td", {}, mono(groups(key.fingerprint)))];
  return el("tr", {}, el("th", { scope: "row" }, name), ...cells);
}

function policyForm(page, isOwn) {
  const pasted = el("textarea", { id: "pasted", rows: "4", spellcheck: "false" });
  const use = button(BUTTONS.use, () => page.show({ ownPolicy: toBytes(pasted.value) }));
  const back = button(BUTTONS.back, () => page.show({ ownPolicy: null }));
  const file = fileInput("own-policy", BUTTONS.policy, async (data) => page.show({ ownPolicy: data }));
  const paste = [el("label", { for: "pasted" }, both(BUTTONS.paste)), pasted, use];
  return el("div", { class: "form" }, el("p", {}, lines(PARAGRAPHS.own)), file, ...paste, isOwn ? back : null);
}

function button(label, press) {
  const node = el("button", { type: "button" }, both(label));
  node.addEventListener("click", press);
  return node;
}

function fileInput(id, label, take) {
  const input = el("input", { type: "file", id });
  input.addEventListener("change", async () => {
    if (input.files.length) await take(new Uint8Array(await input.files[0].arrayBuffer()));
  });
  return el("p", { class: "file" }, el("label", { for: id }, both(label)), input);
}

/** The evidence of another pack's file, read when it is checked. */
function evidenceIn(data) {
  const found = [...fromUtf8(data).matchAll(IN_FILE)];
  return fromBase64(found.length === 1 ? found[0][1] : refuse`this file is no evidence pack`);
}

// -- checkpoints and the parts themselves

function headTable({ heads }) {
  const rows = heads.map(({ size, root, cosigned, unchecked }) => {
    const names = cosigned.map(({ name, seconds }) => el("li", {}, `${name}, ${instant(seconds * 1000n)}`));
    const others = unchecked.map(({ name }) => el("li", {}, `${name}: `, both(STATES.unknown.label)));
    const who = names.length + others.length ? el("ul", {}, names, others) : "–";
    return el("tr", {}, el("td", { class: "number" }, String(size)), el("td", {}, mono(groups(toHex(root)))), el("td", {}, who));
  });
  return table(HEADINGS.heads, [COLUMNS.size, COLUMNS.root, COLUMNS.cosigned], rows);
}

function rawParts(page, { pack, proof }) {
  const raw = (name, data) => el("details", {}, el("summary", {}, name), el("pre", { tabindex: "0" }, textOf(data)));
  const other = fileInput("other", BUTTONS.other, (data) => page.show({ read: () => evidenceIn(data) }));
  const print = button(BUTTONS.print, () => window.print());
  if (!pack) return [other, print];
  return [
    el("p", { class: "buttons" }, saving(BUTTONS.receipt, "event.tlog-proof", pack.receipt), saving(BUTTONS.savePolicy, "policy", pack.policy), print),
    raw("tlog-proof", pack.receipt),
    raw("policy", pack.policy),
    proof ? raw(`entry ${proof.index}`, toBytes(groups(toHex(proof.extra)))) : null,
    other,
  ];
}

function textOf(data) {
  try {
    return fromUtf8(data);
  } catch (error) {
    if (error instanceof Refusal) return toHex(data);
    throw error;
  }
}
