"""The rules of a procedure in plain words, for the person concerned: `PlainRules` (DOMAIN 7.1, `EXPLAIN`).

Why data is processed and on which law, which content goes to which office with which act, which limits hold for whom,
and how long it is kept. All of it is read from the contracts, so that what is explained is what the programs do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.disclosure import Disclosure, load_disclosure
from contracts.ids import RegionCode
from contracts.legal_basis import legal_texts
from contracts.messages import Language
from contracts.procedure_types import NO_RULES, Procedure
from contracts.profile import load_profile, own_fields
from contracts.rule import Rule
from contracts.terms import load_terms


@dataclass(frozen=True, slots=True)
class PlainRules:
    """What is told of a procedure.

    Attributes:
        procedure: The procedure.
        region: Whose values count for limits and retention.
        language: Of `lines`.
    """

    procedure: Procedure
    region: RegionCode
    language: Language = "en"

    def to_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        procedure = self.procedure
        return {
            "procedure": procedure.id,
            "edition": procedure.edition,
            "region": self.region,
            "purposes": [
                {"purpose": purpose, "legal_basis": basis, "text": legal_texts()[basis]}
                for purpose, basis in self._bases()
            ],
            "recipients": [
                {
                    "event": row.event,
                    "profile": row.profile,
                    "fields": list(own_fields(row.profile)),
                    "office_types": sorted(row.office_types),
                    "source": row.source,
                }
                for row in self._disclosures()
            ],
            "limits": [
                {"rule": rule.id, "what": rule.what, "kind": rule.kind.value, "source": rule.source}
                for rule in self._limits()
            ],
            "content_days": procedure.key_days(self.region),
            "record_years": procedure.skeleton_years(self.region),
        }

    def lines(self) -> Iterator[str]:
        """Everything, for a person."""
        say, procedure = self._say, self.procedure
        yield f"{self._word('procedure', procedure.id)} ({procedure.id}, {say('edition', '版本')} {procedure.edition})"
        yield ""
        yield say("For what, and on which law", "处理目的和法律依据")
        for purpose, basis in self._bases():
            yield f"  {self._word('purpose', purpose)}  {basis}  {legal_texts()[basis]}"
        yield ""
        yield say("Which content goes to whom; nothing else does", "内容提供给哪些机构（此外不提供）")
        for row in self._disclosures():
            yield from self._disclosure_lines(row)
        if not self._disclosures():
            yield say("  None: offices are told that something was done.", "  不提供内容，只通知办理进展。")
        yield ""
        yield say("Within which time", "办理期限")
        for rule in self._limits():
            yield f"  {rule.id}  {rule.what}  ({rule.source})"
        yield ""
        days, years = procedure.key_days(self.region), procedure.skeleton_years(self.region)
        since = say(", ", "、").join(self._word("state", state) for state in procedure.retention.since)
        yield say(
            f"Content is destroyed {days} days after: {since}. The record of the acts is kept for {years} years.",
            f"内容在“{since}”后{days}日销毁；办理记录保存{years}年。",
        )
        yield say(
            "No program decides about a person: every decision is made and signed by an office.",
            "本平台不作自动化决定：每项决定均由机构作出并签名。",
        )

    def _bases(self) -> tuple[tuple[str, str], ...]:
        rows = self.procedure.transitions
        return tuple(dict.fromkeys((row.purpose, basis) for row in rows for basis in row.legal_bases))

    def _disclosures(self) -> tuple[Disclosure, ...]:
        rows = load_disclosure()
        events = dict.fromkeys(row.event for row in self.procedure.transitions)
        return tuple(one for event in events for one in rows.get((self.procedure.id, event), ()))

    def _limits(self) -> tuple[Rule, ...]:
        started = [start.rule for row in self.procedure.transitions for start in row.starts]
        timed = [row.after.rule for row in self.procedure.transitions if row.after is not None]
        return tuple(
            self.procedure.limits.rule(rule) for rule in dict.fromkeys([*started, *timed]) if rule not in NO_RULES
        )

    def _disclosure_lines(self, row: Disclosure) -> Iterator[str]:
        doc = str(load_profile(row.profile).codec.schema["doc"])
        to = self._say(", ", "、").join(self._word("office", name) for name in sorted(row.office_types))
        everyone = self._say("every office that holds the record", "所有持有该记录的机构")
        yield f"  {self._word('event', row.event)}: {self._say(doc, self._word('profile', row.profile))}"
        yield "    " + self._say("to: ", "接收：") + (to or everyone)
        fields = self._say(", ", "、").join(self._word("field", name) for name in own_fields(row.profile))
        yield "    " + self._say("fields: ", "项目：") + fields

    def _word(self, kind: str, name: str) -> str:
        return load_terms().say(self.language, kind, name, self.procedure.id)

    def _say(self, en: str, zh: str) -> str:
        return zh if self.language == "zh" else en
