// Every sentence of the page, English and Chinese. `{name}` stands for a value; a check has a title, and a sentence for pass.

export const CHECKS = {
  page: {
    title: ["This page is whole", "页面完整"],
    why: ["The page and its style are as they were made.", "页面及样式与制作时一致。"],
  },
  form: {
    title: ["The pack can be read", "证据包可读"],
    why: ["The evidence has exactly the form of an evidence pack.", "证据内容完全符合证据包格式。"],
  },
  policy: {
    title: ["Whose signatures count", "信任策略"],
    why: [
      "The policy is well formed. Ledger keys: {logs}; witnesses: {witnesses}; quorum: “{quorum}”.",
      "策略格式正确：账本密钥 {logs} 个，见证方 {witnesses} 个，法定数为“{quorum}”。",
    ],
  },
  receipt: {
    title: ["The receipt can be read", "回执可读"],
    why: ["The receipt is a tlog-proof of entry {index} and carries the entry.", "回执是第 {index} 条记录的证明，并附该记录。"],
  },
  event: {
    title: ["The record can be read", "记录可读"],
    why: ["The entry is one event, in its one encoding.", "该条是一个事件，编码唯一。"],
  },
  signature: {
    title: ["The ledger signed", "账本已签名"],
    why: [
      "“{origin}” signed that it holds {size} entries, and their root.",
      "“{origin}”签名确认其有 {size} 条记录及其根哈希。",
    ],
  },
  witnesses: {
    title: ["Witnesses signed too", "见证方联署"],
    why: [
      "The quorum “{quorum}” is reached by: {names}. Each has seen that the ledger only grew.",
      "已达到法定数“{quorum}”：{names}。各见证方确认账本只增不改。",
    ],
    none: [
      "The policy asks for no witness: nobody but the ledger itself vouches for its checkpoint.",
      "策略不要求见证方：除账本自身外无人为检查点作证。",
    ],
    unable: [
      "The quorum “{quorum}” needs ML-DSA signatures of {names}, which a browser cannot check. Use “pprd receipt verify”.",
      "法定数“{quorum}”需要 {names} 的 ML-DSA 签名，浏览器不能核验。请使用“pprd receipt verify”。",
    ],
  },
  inclusion: {
    title: ["The record is in the ledger", "记录在账本中"],
    why: [
      "The record, byte for byte, is entry {index} under the root that was signed.",
      "该记录逐字节就是已签名根哈希之下的第 {index} 条。",
    ],
  },
  genesis: {
    title: ["It is the ledger that it says", "账本身份"],
    why: [
      "Entry 0 of this ledger names “{origin}”, made on {created}; its first key is {sameKey}.",
      "账本第 0 条载明“{origin}”，建于 {created}；其初始密钥{sameKeyZh}。",
    ],
  },
  batch: {
    title: ["The producer's batch holds it", "生产方的批次包含该记录"],
    why: [
      "It is event {position} of {n} in a batch of “{producer}”, recorded as entry {index} at {recorded}.",
      "它是“{producer}”一个批次中的第 {position} 个事件（共 {n} 个），批次为第 {index} 条，入账于 {recorded}。",
    ],
  },
  key: {
    title: ["The producer's key is registered", "生产方密钥已登记"],
    why: [
      "Entry {index} of the ledger registered key {key} for “{producer}” before the batch.",
      "账本第 {index} 条在批次之前为“{producer}”登记了密钥 {key}。",
    ],
    hub: [
      "The batch is the hub's own; entry 0 of the ledger names its key {key}.",
      "该批次由中枢自行作出；账本第 0 条载明其密钥 {key}。",
    ],
  },
  producer: {
    title: ["The producer signed", "生产方已签名"],
    why: ["“{producer}” signed the batch with that key.", "“{producer}”用该密钥签署了批次。"],
  },
  chain: {
    title: ["The ledger only grew", "账本只增不改"],
    why: [
      "All {count} checkpoints in this pack are signed, and each is the unchanged beginning of the next: sizes {sizes}.",
      "本包 {count} 个检查点均已签名，且前者均为后者未经改动的开头：大小依次为 {sizes}。",
    ],
    one: ["There is one checkpoint in this pack, that of the receipt.", "本包只有一个检查点，即回执的检查点。"],
  },
  ends: {
    title: ["Content was destroyed since", "内容此后已销毁"],
    why: [
      "The ledger records that sealed content of this event was destroyed: {events}.",
      "账本记载该事件的密封内容已被销毁：{events}。",
    ],
  },
};

export const STATES = {
  pass: { mark: "✓", label: ["passed", "通过"] },
  fail: { mark: "✗", label: ["failed", "未通过"] },
  none: { mark: "–", label: ["not demanded", "未要求"] },
  unknown: { mark: "?", label: ["not verified", "未核验"] },
  skipped: { mark: "–", label: ["not reached", "未进行"] },
};

export const SKIPPED = ["Not checked, because a check that it needs did not pass.", "所依赖的核验未通过，故未进行。"];

export const UNFORESEEN = ["unforeseen: {error}", "未预见的错误：{error}"];

export const VERDICTS = {
  pass: {
    title: ["The evidence holds", "证据成立"],
    embedded: [
      "Every check passed under the keys in this file. Compare those keys with a source of your own: they are what you trust.",
      "在本文件所载密钥之下全部核验通过。请与您自己的来源比对这些密钥：信任即系于此。",
    ],
    own: ["Every check passed under your own policy.", "在您自己的策略之下全部核验通过。"],
  },
  fail: {
    title: ["The evidence does NOT hold", "证据不成立"],
    embedded: [
      "At least one check failed. Draw no conclusion from this file, and ask its source for the exact bytes.",
      "至少一项核验未通过。不得据此文件下结论；请向来源索取原始字节。",
    ],
    own: [
      "At least one check failed under your policy. Draw no conclusion from this file.",
      "在您的策略之下至少一项核验未通过。不得据此文件下结论。",
    ],
  },
  unknown: {
    title: ["NOT verified", "未核验"],
    soon: ["The checks are being made.", "正在核验。"],
    embedded: [
      "No check failed, but this browser could not make all of them. Take another browser, or “pprd receipt verify”.",
      "没有核验失败，但本浏览器未能完成全部核验。请换用其他浏览器或“pprd receipt verify”。",
    ],
    own: [
      "No check failed, but this browser could not make all of them. Take another browser, or “pprd receipt verify”.",
      "没有核验失败，但本浏览器未能完成全部核验。请换用其他浏览器或“pprd receipt verify”。",
    ],
  },
};

export const HEADINGS = {
  kind: ["Evidence pack", "证据包"],
  record: ["What was recorded", "记录内容"],
  unproved: ["Not proved: do not rely on what stands here", "未经证明：请勿采信以下内容"],
  sealed: ["Sealed content", "密封内容"],
  checks: ["The checks", "核验项目"],
  keys: ["Whose keys these are", "密钥由谁持有"],
  heads: ["The checkpoints", "检查点"],
  limits: ["What this does not show", "本证据不能说明的事项"],
  parts: ["The parts themselves", "证据原件"],
  about: ["About this page", "关于本页"],
};

export const PARAGRAPHS = {
  keys: [
    "Compare each fingerprint, digit by digit, with one from a source that is not this file: the ledger's published page, a court, an auditor. If one differs, this evidence is worth nothing.",
    "请将每个指纹与本文件以外的来源（账本公布页、法院、审计方）逐位比对。任何一个不符，本证据即无价值。",
  ],
  own: [
    "Better: open a policy file of your own. Then the checks are made under your keys and not under those in this file.",
    "更好的做法：打开您自己的策略文件，核验即以您的密钥为准，而非本文件所载密钥。",
  ],
  ownUsed: ["The checks above are made under your own policy.", "以上核验以您自己的策略为准。"],
  sealed: [
    "The event names sealed payloads. They are not in this file, nobody can read them from it, and this page says nothing about whether they still exist.",
    "该事件载有密封载荷的摘要。载荷不在本文件中，无人能由本文件读取；本页也不说明其是否仍然存在。",
  ],
  erased: [
    "The event names sealed payloads. They are not in this file. The ledger records that content was destroyed; see the last check.",
    "该事件载有密封载荷的摘要。载荷不在本文件中。账本记载内容已被销毁，见最后一项核验。",
  ],
  noneSealed: ["The event seals no payload: all it says stands above.", "该事件没有密封载荷：全部内容如上。"],
  mlDsa: [
    "ML-DSA-44 signatures are not checked in a browser. Their form was read; they count for nothing here.",
    "浏览器不核验 ML-DSA-44 签名。仅读取了其格式，在此不计入。",
  ],
  limits: [
    ["That the persons and facts behind the record are true: only that an office said so, and when.", "记录背后的人与事是否真实：只说明某机构曾如此陈述及其时间。"],
    ["That the producer's key had not been revoked in between, and that the procedure allowed the event: an audit of the whole ledger tells (“pprd audit”).", "生产方密钥其间未被撤销、程序允许该事件：须由全账本审计（“pprd audit”）说明。"],
    ["That nothing was recorded later that changes the matter.", "此后没有改变该事项的其他记录。"],
    ["Anything, if this page itself is not from who you think: its verifier has the fingerprint below, the same in every pack of one release.", "若本页并非来自您所认为的来源，则不说明任何事项：其核验程序的指纹见下，同一版本的各证据包均相同。"],
  ],
  about: [
    "This page asks no network and keeps nothing. The verifier is one script; its SHA-256 is",
    "本页不访问网络，不保存任何内容。核验程序为一段脚本，其 SHA-256 为",
  ],
};

export const BUTTONS = {
  policy: ["Open my policy file", "打开我的策略文件"],
  paste: ["or paste it here", "或粘贴于此"],
  use: ["Verify under this policy", "按此策略核验"],
  back: ["Back to the policy in this file", "恢复本文件所载策略"],
  other: ["Check another pack with this page", "用本页核验另一证据包"],
  receipt: ["Save the receipt (.tlog-proof)", "保存回执 (.tlog-proof)"],
  savePolicy: ["Save the policy", "保存策略"],
  print: ["Print", "打印"],
};

export const COLUMNS = {
  check: ["Check", "核验"],
  result: ["Result", "结果"],
  why: ["What was found", "说明"],
  holder: ["Who", "持有者"],
  role: ["Role", "角色"],
  fingerprint: ["Fingerprint", "指纹"],
  size: ["Entries", "记录数"],
  root: ["Root", "根哈希"],
  cosigned: ["Cosigned", "联署"],
  profile: ["Profile", "通报类别"],
  kib: ["Size, at most", "大小上限"],
  recipients: ["Sealed for", "密封给"],
  commitment: ["Commitment", "承诺"],
};

export const ROLES = {
  log: ["ledger", "账本"],
  witness: ["witness", "见证方"],
  mlDsa: ["witness, ML-DSA-44, not checked here", "见证方，ML-DSA-44，此处不核验"],
};

export const REGIONS = {
  "00": ["hub", "中枢"],
  35: ["Fujian", "福建"],
  36: ["Jiangxi", "江西"],
  43: ["Hunan", "湖南"],
  44: ["Guangdong", "广东"],
  45: ["Guangxi", "广西"],
  46: ["Hainan", "海南"],
  51: ["Sichuan", "四川"],
  52: ["Guizhou", "贵州"],
  53: ["Yunnan", "云南"],
  81: ["Hong Kong", "香港"],
  82: ["Macao", "澳门"],
};

// Where the name of a field of the header is no plain word.
export const FIELDS = {
  producer_region: "Region",
  producer_office: "Office",
  occurred_at: "Occurred",
  recorded_at: "Recorded",
  stream_id: "Matter",
  stream_seq: "Place in the matter",
  event_id: "Event",
  prev_hash: "Hash of the event before",
  correlation_id: "Belongs with",
  causation_id: "Caused by",
};

export const YES_NO = { true: ["yes", "是"], false: ["no", "否"] };
export const NOTHING = ["nothing", "无"];
export const SANDBOX = ["Made for tests: all identities are synthetic.", "测试数据：全部身份均为虚构。"];

/** Put values into a sentence, in both languages. */
export function fill(sentence, values) {
  return sentence.map((text) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "?")));
}
