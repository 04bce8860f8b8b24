"""What the lists besides names have in common: a unique name, and being made inactive."""

from syncd.sandbox import faults
from syncd.sandbox.entity import Write
from syncd.sandbox.names import SUFFIX
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json


def settle_name(write: Write) -> None:
    """Refuse what has no Name (2020), one in use (6240), and a change of something inactive (610)."""
    before, draft = write.before, write.draft
    if before is not None and not before.body["Active"]:
        if not draft["Active"] and write.quirks["inactive-update"] == "refused":
            raise faults.not_found()
        if draft.get("Name") == f"{before.body['Name']}{SUFFIX}" and write.quirks["inactive-suffix"] == "on":
            draft["Name"] = before.body["Name"]
    name = write.text("Name")
    if not name:
        raise faults.required("Name")
    if draft["Active"] and _taken(write, name):
        raise faults.duplicate_list_name(write.entity.name)


def _taken(write: Write, name: str) -> bool:
    """Whether another object of the list has the name; for accounts, and by quirk for items, under the same parent."""
    anywhere = write.entity.name == "Item" and write.quirks["item-name-scope"] == "company"
    for other in write.company.find(write.entity.name, "Name", name):
        itself = write.before is not None and other.id == write.before.id
        counts = other.body["Active"] or write.quirks["inactive-name"] == "taken"
        beside = anywhere or other.body.get("ParentRef") == write.draft.get("ParentRef")
        if not itself and counts and beside:
            return True
    return False


def settle_parent(write: Write, flag: str) -> None:
    """ParentRef counts with its flag (SubItem, SubAccount) only; faults 6150, 900 and 6180."""
    draft = write.draft
    if not draft.get(flag):
        draft.pop("ParentRef", None)
        return
    reference = draft.get("ParentRef")
    if not isinstance(reference, dict):
        raise faults.validation("6150", "Parent Reference Missing", f"{flag} needs a ParentRef.", "ParentRef")
    parent = write.company.objects[write.entity.name][str(reference["value"])]
    line = lineage(write.company, parent)
    if write.before is not None and write.before.id in {ancestor.id for ancestor in line}:
        raise faults.validation("900", "Parent cannot be child", "Nothing can be its own parent.")
    if len(line) > 4:
        raise faults.validation("6180", "Invalid Depth", "At most 5 levels are allowed.", "ParentRef")


def lineage(company: Company, stored: Stored) -> list[Stored]:
    """An object and its ancestors, the object itself last."""
    line = [stored]
    while isinstance(reference := line[0].body.get("ParentRef"), dict):
        line.insert(0, company.objects[stored.entity][str(reference["value"])])
    return line


def show_name(company: Company, stored: Stored, shown: dict[str, Json], quirks: Quirks) -> None:
    """FullyQualifiedName; ` (deleted)` behind the names of what is inactive."""
    suffix = SUFFIX if not stored.body["Active"] and quirks["inactive-suffix"] == "on" else ""
    line = lineage(company, stored)
    shown["Name"] = f"{stored.body['Name']}{suffix}"
    if "FullyQualifiedName" in shown or len(line) > 1:
        shown["FullyQualifiedName"] = ":".join(str(entry.body["Name"]) for entry in line) + suffix
    if len(line) > 1:
        shown["Level"] = len(line) - 1
