"""The restore table's keys: one for each kind of item, as the roles' permissions and Terraform have them."""

from __future__ import annotations

from dynamodb_restore import store

KEYS = {
    ("target#orders-restored", "restore#id-1"): store.record_key("orders-restored", "id-1"),
    ("event#e-1", "target#orders-restored"): store.pin_key("e-1", "orders-restored"),
    ("reconciler", "queued#orders-restored#id-1"): store.queued_key("orders-restored", "id-1"),
    ("reconciler", "cursor"): store.cursor_key(),
    ("pipeline#orders", "registration"): store.registration_key("orders"),
    ("pipeline#orders", "claim"): store.claim_key("orders"),
    ("pipeline#orders", "coverage"): store.coverage_key("orders"),
    ("pipeline#orders", "window#id-1"): store.window_key("orders", "id-1"),
    ("pipeline#orders", "captured#b-1#2"): store.progress_key("orders", "captured", "b-1", 2),
    ("pipeline#orders", "replayed#b-1#0"): store.progress_key("orders", "replayed", "b-1", 0),
    ("pipeline#orders", "stuck#b-1"): store.stuck_key("orders", "b-1"),
    ("doubt#orders", "b-1#000000000060#i-1"): store.doubt_key("orders", "b-1#000000000060#i-1"),
    ("quarantine#id-1", "5f"): store.quarantine_key("id-1", "5f"),
}


def test_each_kind_of_item_has_the_key_that_earlier_releases_wrote() -> None:
    """A key that changes loses what is on record of restores that are under way."""
    for (partition, sort), key in KEYS.items():
        assert key == {"pk": {"S": partition}, "sk": {"S": sort}}


def test_the_page_tells_of_every_kind() -> None:
    told = str(store.__doc__)
    for partition, sort in KEYS:
        assert f"`{partition.split('#')[0]}" in told
        if not partition.startswith(("doubt", "quarantine")):
            assert f"`{sort.split('#')[0]}" in told
