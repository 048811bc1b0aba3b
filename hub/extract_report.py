"""The extract of a record in plain words, English or Chinese, and for machines: `ExtractReport` (DOMAIN 7.1).

Codes, dates, offices and the words of the law; the content itself stays sealed and no officer is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.ids import OfficeId
from contracts.messages import Language
from contracts.profile import load_profile, own_fields
from contracts.terms import load_terms
from hub.due_report import id_text, shanghai
from hub.record_extract import Content, OrderAbout, RecordExtract

_DATE = 10
_ROUTED = "ROUTED"
"""State of a request that is sent out and not decided: others can still be asked."""


@dataclass(frozen=True, slots=True)
class ExtractReport:
    """What is told of a record.

    Attributes:
        extract: The record.
        language: Of `lines`.
    """

    extract: RecordExtract
    language: Language = "en"

    def to_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        extract = self.extract
        return {
            "record": id_text(extract.matter.stream_id),
            "procedure": extract.procedure.id,
            "state": extract.matter.state,
            "acts": [
                {
                    "index": act.leaf_index,
                    "event_id": id_text(act.event_id),
                    "event": act.event_type,
                    "state": act.state,
                    "occurred_at": shanghai(act.occurred_at),
                    "office": self._office_json(act.office),
                    "purpose": act.purpose,
                    "legal_basis": act.legal_basis,
                }
                for act in extract.acts
            ],
            "contents": [self._content_json(content) for content in extract.contents],
            "kept_until": None if extract.keep_until_ms is None else shanghai(extract.keep_until_ms - 1)[:_DATE],
            "orders": [self.order_json(order) for order in extract.orders],
        }

    def order_json(self, order: OrderAbout) -> dict[str, Any]:
        """A request or an order about the record, for machines."""
        return {
            "matter": id_text(order.stream_id),
            "procedure": order.procedure,
            "kind": order.kind or None,
            "state": order.state,
            "opened_at": shanghai(order.opened_at),
            "due_at": None if order.due_ms is None else shanghai(order.due_ms),
            "asked": [self._office_json(office) for office in order.asked],
            "missing": [self._office_json(office) for office in order.missing],
            "not_asked": [self._office_json(office) for office in self.extract.not_asked(order)],
        }

    def lines(self) -> Iterator[str]:
        """Everything, for a person."""
        extract, say = self.extract, self._say
        scope = extract.procedure.id
        yield f"{self._word('procedure', scope)}  {id_text(extract.matter.stream_id)}"
        yield say("Stands at: ", "目前状态：") + self._word("state", extract.matter.state, scope)
        yield ""
        yield say("What was done, for what and on which basis", "办理经过、处理目的和法律依据")
        for act in extract.acts:
            yield (
                f"  {shanghai(act.occurred_at)[:_DATE]}  {self._word('event', act.event_type, scope)}"
                f"  {self._office(act.office)}  {self._word('purpose', act.purpose)}, {act.legal_basis}"
            )
        yield ""
        yield say("What is held, who got it, who opened it", "保存的内容、接收机构和查阅记录")
        for content in extract.contents:
            yield from self._content_lines(content)
        if not extract.contents:
            yield say("  No content was ever sealed in this record.", "  本记录没有密封内容。")
        yield ""
        yield self._keeping()
        if extract.orders:
            yield ""
            yield say("Requests and orders about this record", "与本记录有关的请求和决定")
        for order in extract.orders:
            yield from self.order_lines(order)
        yield ""
        yield say(
            "You may ask for correction, completion, erasure, restriction and explanation, and go to court if a request"
            " is refused (Personal Information Protection Law 44 to 50). The content itself is given to you by the"
            " offices that hold it: the exchange cannot read it.",
            "您可以请求更正、补充、删除、限制处理和解释说明；请求被拒绝的，可以向人民法院起诉（个人信息保护法第四十四条至"
            "第五十条）。内容由保存机构向您提供，交换平台无法读取。",
        )

    def order_lines(self, order: OrderAbout) -> Iterator[str]:
        """A request or an order about the record, for a person: who confirmed, and who has still to."""
        say = self._say
        kind = f" {order.kind}" if order.kind else ""
        state = self._word("state", order.state, order.procedure)
        due = "" if order.due_ms is None else say("  due by ", "  期限 ") + shanghai(order.due_ms)
        yield (
            f"  {shanghai(order.opened_at)[:_DATE]}  {self._word('procedure', order.procedure)}{kind}"
            f"  {id_text(order.stream_id)}  {state}{due}"
        )
        missing = set(order.missing)
        for office in order.asked:
            mark = say("not confirmed", "尚未确认") if office in missing else say("confirmed", "已确认")
            yield f"    {self._office(office)}  {mark}"
        for office in self.extract.not_asked(order):
            late = say("got it afterwards: not asked", "此后收到，未被要求办理")
            if order.state == _ROUTED:
                late = say("got it afterwards: asked before it is decided", "此后收到，决定前须重新分送")
            yield f"    {self._office(office)}  {late}"

    def _content_json(self, content: Content) -> dict[str, Any]:
        return {
            "event_id": id_text(content.act.event_id),
            "profile": content.profile,
            "fields": list(own_fields(content.profile)),
            "from": self._office_json(content.act.office),
            "to": [self._office_json(office) for office in content.recipients],
            "held": content.held,
            "openings": [
                {
                    "at": shanghai(opening.recorded_at),
                    "office": self._office_json(opening.office),
                    "purpose": opening.purpose,
                    "reason": opening.reason,
                }
                for opening in content.openings
            ],
        }

    def _content_lines(self, content: Content) -> Iterator[str]:
        say = self._say
        fields = say(", ", "、").join(self._word("field", name) for name in own_fields(content.profile))
        day = shanghai(content.act.occurred_at)[:_DATE]
        title = say(str(load_profile(content.profile).codec.schema["doc"]), self._word("profile", content.profile))
        yield f"  {day}  {title}  [{self._word('content', content.held)}]"
        yield "    " + say("fields: ", "项目：") + fields
        yield "    " + say("made by: ", "提供机构：") + self._office(content.act.office)
        for office in content.recipients:
            yield "    " + say("given to: ", "接收机构：") + self._office(office)
        for opening in content.openings:
            why = f"{self._word('purpose', opening.purpose)}, {self._word('reason', opening.reason)}"
            at = shanghai(opening.recorded_at)
            yield "    " + say("opened: ", "查阅：") + f"{at}  {self._office(opening.office)}  {why}"
        if not content.openings:
            yield "    " + say("never opened", "从未被查阅")

    def _keeping(self) -> str:
        extract, say = self.extract, self._say
        region = extract.matter.opened_region
        days, years = extract.procedure.key_days(region), extract.procedure.skeleton_years(region)
        if extract.keep_until_ms is not None:
            day = shanghai(extract.keep_until_ms - 1)[:_DATE]
            return say(
                f"Content is kept until {day}; the record of the acts for {years} years.",
                f"内容保存至{day}；办理记录保存{years}年。",
            )
        return say(
            f"Content is kept for {days} days after the matter ends; the record of the acts for {years} years.",
            f"内容保存至事项结束后{days}日；办理记录保存{years}年。",
        )

    def _office(self, office: OfficeId) -> str:
        found = self.extract.directory.office(office)
        if found is None:
            return office
        region = self._say(f"region {found.region}", self._word("region", found.region))
        return f"{self._word('office', found.office_type)} ({region}, {office})"

    def _office_json(self, office: OfficeId) -> dict[str, Any]:
        found = self.extract.directory.office(office)
        return {
            "office": office,
            "type": None if found is None else found.office_type,
            "region": None if found is None else found.region,
        }

    def _word(self, kind: str, name: str, scope: str = "") -> str:
        return load_terms().say(self.language, kind, name, scope)

    def _say(self, en: str, zh: str) -> str:
        return zh if self.language == "zh" else en
