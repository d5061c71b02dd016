"""What changes the meaning of a run changes its digest, and nothing else does."""

from ablate.storage.fingerprint import digest, flatten

CONFIG = {"model": {"width": 64, "places": ["a", "b"]}, "data": {"root": "/here", "size": None}, "threads": 2}


def test_flatten_keeps_lists_as_values() -> None:
    assert flatten(CONFIG) == {
        "model.width": 64,
        "model.places": ["a", "b"],
        "data.root": "/here",
        "data.size": None,
        "threads": 2,
    }


def test_order_of_keys_and_the_type_of_a_whole_number_do_not_matter() -> None:
    assert digest({"a": 1, "b": [2.0]}) == digest({"b": [2], "a": 1.0})
    assert digest({"a": 1}) != digest({"a": True})
    assert digest({"a": 1}) != digest({"a": "1"})


def test_digests_never_change() -> None:
    """Runs on disk are found by them."""
    assert digest(CONFIG) == "0d5928685f76ca1184620f9b28fee167a59a3a2b6395fe9f85db545b0c988e62"
    assert digest([flatten(CONFIG), 3, 0.5, None, "é"]) == "20edb3e1a68cb9e98853e136064bf43d0cf868519852934aee61d7a584d66256"
