"""Which metric is compared, by names alone; what tables of other tools make of it is in tests/importers/test_guess.py."""

from ablate.core.main_metric import main_first


def test_results_on_held_out_data_come_before_those_of_training() -> None:
    assert main_first(["train/loss", "val/acc", "val/loss", "test/acc"]) == ["test/acc", "val/acc", "val/loss", "train/loss"]
    assert main_first(["loss", "accuracy", "val_loss", "val_accuracy"])[0] == "val_accuracy"  # as Keras names them


def test_names_that_say_nothing_keep_their_order_behind_the_others() -> None:
    assert main_first(["b", "a", "seconds", "f1"]) == ["f1", "b", "a", "seconds"]
    assert main_first(["b", "a"]) == ["b", "a"]
