"""A story names ids shortly and in the order in which they appear."""

from invoicepay.testing.simulation.telling import named

ONE, TWO = "inv_01ke6p53be008025wgv6yksm0a", "inv_01ke6p53be008025wgv6yksm0b"
DEPOSIT = "dep_01ke6p53be008025wgv6yksm0a"


def test_an_id_has_one_short_name_in_all_lines() -> None:
    lines = [f"ann pays {TWO} and {ONE}", f"{DEPOSIT} for {TWO}"]
    assert named(lines) == ["ann pays inv-1 and inv-2", "dep-1 for inv-1"]
