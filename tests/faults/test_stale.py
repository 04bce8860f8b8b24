"""Code 5010: somebody changed the object in QuickBooks, or QuickBooks says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.truth import effects

if TYPE_CHECKING:
    from tests.faults.conftest import Town


def _synced(town: Town) -> tuple[str, str, str]:
    """A customer in both: realm, SIP's id, QuickBooks' id."""
    realm = town.connect()
    id_ = town.database.add_customer("Ann", email="ann@x.com", phone="555 0100")
    town.world.daemon()
    town.settle()
    return realm, id_, town.sandbox.objects(realm)[0]["Id"]


def test_a_field_of_ours_edited_in_quickbooks_is_not_overwritten(town: Town) -> None:
    realm, id_, qbo_id = _synced(town)
    town.sandbox.tell(f"edit/{realm}/Customer/{qbo_id}", PrimaryPhone={"FreeFormNumber": "555 7777"})
    town.database.execute("update sip.customers set email = 'new@x.com' where id = %s", (id_,))
    town.wait(lambda: town.states() == ["error"])
    [error] = town.errors()
    assert "555 7777" in error
    assert "555 0100" in error
    [found] = town.sandbox.objects(realm)
    assert (found["PrimaryPhone"]["FreeFormNumber"], found["PrimaryEmailAddr"]["Address"]) == (
        "555 7777",
        "ann@x.com",
    )
    # Both sides made equal, as the sentence asks.
    town.sandbox.tell(f"edit/{realm}/Customer/{qbo_id}", PrimaryPhone={"FreeFormNumber": "555 0100"})
    town.world.syncd("retry", "1", "customer", id_)
    town.settle()
    town.check()


def test_another_field_edited_in_quickbooks_stays_and_ours_arrives(town: Town) -> None:
    realm, id_, qbo_id = _synced(town)
    town.sandbox.tell(f"edit/{realm}/Customer/{qbo_id}", Notes="Rings twice")
    town.database.execute("update sip.customers set email = 'new@x.com' where id = %s", (id_,))
    town.settle()
    town.check()
    assert town.sandbox.objects(realm)[0]["Notes"] == "Rings twice"
    assert len(effects(town.sandbox, realm)) == 2


def test_our_own_update_whose_answer_was_lost_is_recognised(town: Town) -> None:
    """Nothing is remembered, so the repeated update meets the newer version that it made itself."""
    town.sandbox.tell("quirks", **{"replay-memory": "none"})
    realm, id_, _ = _synced(town)
    town.order(realm, "drop-after")
    town.database.execute("update sip.customers set email = 'new@x.com' where id = %s", (id_,))
    town.settle()
    town.check()
    assert len(effects(town.sandbox, realm)) == 2
    assert town.sandbox.writes(realm)[-1]["code"] == "5010"
    # The version is known again, or the next update would be refused.
    town.database.execute("update sip.customers set email = 'newer@x.com' where id = %s", (id_,))
    town.settle()
    town.check()


def test_a_5010_that_no_change_explains_is_not_sent_for_ever(town: Town) -> None:
    """Closed books come with this code too, in any language."""
    realm, id_, _ = _synced(town)
    town.order(realm, "fault", times=0, code="5010", message="Objet périmé", detail="La période est clôturée")
    town.database.execute("update sip.customers set email = 'new@x.com' where id = %s", (id_,))
    town.wait(lambda: town.states() == ["error"])
    assert len(town.sandbox.writes(realm)) == 2
    assert len(town.errors()) == 1
    town.no_more_faults()
    town.world.syncd("retry", "1", "--all-errors")
    town.settle()
    town.check()


def test_one_edited_while_its_update_was_unknown(town: Town) -> None:
    """Our update arrived, its answer did not, and somebody changed another field before it was asked again."""
    town.sandbox.tell("quirks", **{"replay-memory": "none"})
    realm, id_, qbo_id = _synced(town)
    town.order(realm, "drop-after", times=0)
    town.database.execute("update sip.customers set email = 'new@x.com' where id = %s", (id_,))
    town.wait(lambda: town.states() == ["unknown"])
    town.sandbox.tell(f"edit/{realm}/Customer/{qbo_id}", Notes="Rings twice")
    town.no_more_faults()
    town.settle()
    town.check()
    assert town.sandbox.objects(realm)[0]["Notes"] == "Rings twice"
