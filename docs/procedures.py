"""Writes `docs/procedures/`, a page and a picture for each procedure: `make docs`, or `python -m docs.procedures`.

Everything on a page is data: rows, limits with their sources, profiles with their fields, words, and the codes that the
conformance scenarios of the procedure are refused with.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from contracts.codes import CODES
from contracts.deadline import load_regions, load_rules
from contracts.procedure import load_procedures
from contracts.procedure_check import load_known
from contracts.procedure_types import HOLDERS, NotifyRow, Procedure, StartDuty, Transition
from contracts.profile import COMMON_FIELDS
from contracts.schema import load_schemas
from contracts.terms import load_terms
from docs.diagram import draw
from hub.conformance import scenarios_of

FOLDER: Final = Path(__file__).with_name("procedures")
"""Where the pages are written."""
_TERMS = load_terms()
_LISTED: Final = "each holder of the record 记录的每个持有机关"
_MARKS: Final = "A checked in the law, B known from the law, C to be confirmed, P a choice of this product"


def render() -> Mapping[str, str]:
    """Render every page and picture, by name of the file."""
    found = {"README.md": _index()}
    for procedure in load_procedures().values():
        name = f"{procedure.id.lower()}_{procedure.edition}"
        found[f"{name}.md"] = _page(procedure, name)
        found[f"{name}.svg"] = draw(procedure, _TERMS)
    return found


def _index() -> str:
    rows = [
        f"| [{p.id}]({p.id.lower()}_{p.edition}.md) | {_TERMS.zh('procedure', p.id)} | {p.edition} | {p.kind} |"
        f" {p.data_class} | {', '.join(p.all_sides)} | {len(p.states)} | {len({row.row for row in p.transitions})} |"
        for p in load_procedures().values()
    ]
    head = f"| procedure | 中文 | edition | kind | data class | sides | states | rows |\n|{' --- |' * 8}"
    return (
        "# Procedures 业务流程\n\nMade from `contracts/` by `make docs`; do not edit.\n\n"
        "Each page has the table of rows, a picture of the states, the limits with their sources, who is told what, the"
        " codes of refusals, and the words in English and Chinese. The pictures leave restrictions out: they lead from"
        " every state that is not final to `RESTRICTED`.\n\n" + "\n".join((head, *rows)) + "\n"
    )


def _page(procedure: Procedure, name: str) -> str:
    sides = ", ".join(_both("side", side) for side in procedure.all_sides)
    kept = procedure.retention
    parts = [
        f"# {procedure.id} {_TERMS.zh('procedure', procedure.id)}\n",
        f"Made from `contracts/procedures/{procedure.file}` by `make docs`; do not edit.\n",
        f"Edition {procedure.edition}, {procedure.kind}, class `{procedure.event_class}`, data class"
        f" `{procedure.data_class}`. Sides: {sides}. Purpose `{procedure.purpose}`, basis"
        f" {', '.join(f'`{basis}`' for basis in procedure.legal_bases)}. Payload keys are destroyed after"
        f" {kept.key_days} days, the skeleton is kept {kept.skeleton_years} years.\n",
        f"![States of {procedure.id}]({name}.svg)\n",
        "Numbers at the arrows are rows of the table. A green frame is a final state; a dashed arrow leads back.\n",
        "## Rows 流程表\n",
        *_rows(procedure),
        *_deadlines(procedure),
        *_profiles(procedure),
        *_codes(procedure),
        "\n## Words 术语\n",
        *_words(procedure),
    ]
    return "\n".join(parts) + "\n"


def _rows(procedure: Procedure) -> Iterator[str]:
    yield (
        "| row | from 原状态 | command 命令 | who 办理机关 | conditions 条件 | event 事件 | to 新状态 | limits 时限"
        f" | told 告知 |\n|{' --- |' * 9}"
    )
    tables: dict[int, list[Transition]] = {}
    for row in procedure.transitions:
        tables.setdefault(row.row, []).append(row)
    for number, rows in tables.items():
        row = rows[0]
        sources = "<br>".join(f"`{one.source}`" if one.source else "–" for one in rows)
        targets = {one.target for one in rows}
        target = f"`{row.target}`" if len(targets) == 1 else "the same 不变"
        if row.confirms is not None:
            target += f"<br>last 最后一个: `{row.confirms.done}`"
        conditions = [f"`{row.when.field}` = {_values(row.when.values)}"] if row.when else []
        conditions += [f"`{guard}`" for guard in row.guards]
        limits = [f"ends {rule}" for rule in row.meets] + [f"starts {_start(start)}" for start in row.starts]
        limits += [f"after {row.after.rule}"] if row.after else []
        cells = (
            str(number),
            sources,
            _both("command", row.command),
            _who(row),
            "<br>".join(conditions),
            _both("event", row.event),
            target,
            "<br>".join(limits),
            "<br>".join(map(_told, row.notify)),
        )
        yield f"| {' | '.join(cells)} |"


def _who(row: Transition) -> str:
    if row.by.side is None:
        return _both("actor", row.by.on_behalf[0])
    offices = "<br>".join(_both("office", office) for office in sorted(row.by.offices))
    asked = ", ".join(_both("actor", actor) for actor in row.by.on_behalf)
    return f"{_both('side', row.by.side)}:<br>{offices}" + (f"<br>for {asked}" if asked else "")


def _start(start: StartDuty) -> str:
    return f"{start.rule} ({_LISTED})" if start.of is not None else f"{start.rule} ({start.side} {start.office})"


def _who_is_told(notify: NotifyRow) -> str:
    if notify.of is not None:
        return _LISTED
    return "everybody who got content" if notify.side == HOLDERS else f"{notify.side} {notify.office}".strip()


def _told(notify: NotifyRow) -> str:
    who = _who_is_told(notify)
    what = f"`{notify.profile}`" if notify.profile else "status only"
    when = f" if `{notify.when.field}` = {_values(notify.when.values)}" if notify.when else ""
    return f"{who}: {what}{when}"


def _deadlines(procedure: Procedure) -> Iterator[str]:
    known = load_rules()
    named = [rule for row in procedure.transitions for rule in (*row.meets, *(start.rule for start in row.starts))]
    named += [row.after.rule for row in procedure.transitions if row.after]
    rules = [known[rule] for rule in dict.fromkeys((*named, *sorted(procedure.outside_rules))) if rule in known]
    if not rules:
        return
    yield "\n## Limits 时限\n"
    yield f"Marks: {_MARKS}.\n"
    yield "| rule | what | length | kind | source 依据 | mark | regional values 地区参数 |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for rule in rules:
        own = [
            f"{code}: {amount.amount} {amount.unit} ({amount.source}, {amount.mark})"
            for code, region in sorted(load_regions().items())
            if rule.regional_override and (amount := region.deadlines.get(rule.regional_override)) is not None
        ]
        length = f"{rule.amount} {rule.unit}{' before' if rule.is_before else ''}"
        yield f"| {rule.id} | {rule.what} | {length} | {rule.kind} | {rule.source} | {rule.mark} | {'<br>'.join(own)} |"


def _profiles(procedure: Procedure) -> Iterator[str]:
    told: dict[str, dict[str, None]] = {}
    for row in procedure.transitions:
        for notify in row.notify:
            if notify.profile:
                told.setdefault(notify.profile, {})[f"{_who_is_told(notify)} ({row.event})"] = None
    if not told:
        return
    yield "\n## Who gets what 告知内容\n"
    yield "A profile has these fields and nothing else, besides the fields that every payload has (DOMAIN 5.3).\n"
    yield "| profile | fields | recipients |"
    yield "| --- | --- | --- |"
    for profile in sorted(told):
        yield f"| `{profile}` | {', '.join(profile_fields(profile))} | {'<br>'.join(told[profile])} |"


def profile_fields(profile: str) -> list[str]:
    """Names of a profile's own fields; those of a record inside in brackets."""
    schema = load_schemas()[f"profiles/{profile.lower().replace('-', '_')}.avsc"]
    return [_field(field) for field in schema["fields"] if field["name"] not in COMMON_FIELDS]


def _field(field: Mapping[str, Any]) -> str:
    kind = field["type"]
    while isinstance(kind, dict) and kind["type"] == "array":
        kind = kind["items"]
    if isinstance(kind, dict) and kind["type"] == "record":
        return f"{field['name']} ({', '.join(inner['name'] for inner in kind['fields'])})"
    return str(field["name"])


def _codes(procedure: Procedure) -> Iterator[str]:
    yield "\n## Refusals 退回\n"
    yield "Codes that this procedure's conformance scenarios are refused with; [all codes](../codes.md).\n"
    yield "| code | what went wrong | what to do |"
    yield "| --- | --- | --- |"
    for code in refused_codes(procedure):
        yield f"| `{code}` | {CODES[code].sentence} | {CODES[code].advice} |"


@cache
def _scenario_codes(procedure_id: str, edition: int) -> tuple[str, ...]:
    made = scenarios_of(load_procedures()[procedure_id, edition], load_known())
    return tuple(sorted({one.outcome.refused for one in made.scenarios if one.outcome.refused is not None}))


def refused_codes(procedure: Procedure) -> tuple[str, ...]:
    """Codes that the scenarios of a packaged procedure are refused with, sorted."""
    return _scenario_codes(procedure.id, procedure.edition)


def _words(procedure: Procedure) -> Iterator[str]:
    yield "| kind | name | 中文 |"
    yield "| --- | --- | --- |"
    for kind, names in (
        ("state", list(procedure.states)),
        ("event", list(dict.fromkeys(row.event for row in procedure.transitions))),
        ("command", list(dict.fromkeys(row.command for row in procedure.transitions))),
    ):
        for name in names:
            yield f"| {kind} | `{name}` | {_TERMS.zh(kind, name, procedure.id)} |"


def _both(kind: str, name: str) -> str:
    return f"`{name}` {_TERMS.zh(kind, name)}"


def _values(values: frozenset[Any]) -> str:
    return " or ".join(sorted(f"`{value}`" for value in values))


def main() -> None:
    """Write every page, and remove those of procedures that are no more."""
    FOLDER.mkdir(exist_ok=True)
    pages = render()
    for path in FOLDER.iterdir():
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
