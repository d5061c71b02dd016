"""The roles of columns that nobody named, in tables as people have them; what is right was decided by reading them."""

import re

import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.importers.guess import completed
from ablate.importers.table import NO_SEED, Roles, Table
from ablate.importers.tabular import results_of


def table(**columns: list[object]) -> Table:
    frame = pd.DataFrame({name: pd.Series([str(value) for value in values], dtype=object) for name, values in columns.items()})
    return Table("results.csv", frame, [f"results.csv, line {at}" for at in range(2, len(frame) + 2)])


def guessed(asked: Roles | None = None, **columns: list[object]) -> tuple[Roles, str]:
    _, roles, said = completed(table(**columns), asked or Roles())
    return roles, said


METHOD, SEED, VALUE = ["base"] * 3 + ["ours"] * 3, [0, 1, 2] * 2, [0.51, 0.52, 0.53, 0.61, 0.62, 0.63]


def test_the_usual_table() -> None:
    roles, said = guessed(method=METHOD, seed=SEED, accuracy=VALUE)
    assert (roles.factors, roles.seed, roles.metrics) == (("method",), "seed", ("accuracy",))
    assert said == "factors method; seed seed; metric accuracy"


@pytest.mark.parametrize("name", ["random_seed", "fold", "Seed", "cfg/seed", "trial", "Random Seed", "train_seed"])
def test_seeds_have_other_names(name: str) -> None:
    assert guessed(method=METHOD, accuracy=VALUE, **{name: SEED})[0].seed == name


def test_a_seed_that_shall_not_pair_is_no_factor() -> None:
    roles, said = guessed(Roles(seed=NO_SEED), method=METHOD, seed=SEED, accuracy=VALUE)
    assert roles.factors == ("method",)
    assert "seed (runs are not paired)" in said


def test_a_run_number_that_no_two_rows_share_pairs_nothing() -> None:
    roles, said = guessed(method=METHOD, run=list(range(6)), accuracy=VALUE)
    assert roles.seed == NO_SEED
    assert "no column of seeds" in said


def test_a_metric_without_a_known_name_is_the_column_of_numbers_that_differ() -> None:
    roles, _ = guessed(method=METHOD, layers=[2, 2, 2, 4, 4, 4], seed=SEED, snorkels=VALUE)
    assert roles.metrics == ("snorkels",)


@pytest.mark.parametrize("name", ["error", "Error", "test.error", "val/error"])
def test_an_error_in_numbers_is_a_metric_and_one_in_words_is_not(name: str) -> None:
    roles, _ = guessed(method=METHOD, seed=SEED, train_time=[31, 32, 33, 34, 35, 36], **{name: VALUE})
    assert (roles.metrics, roles.factors) == ((name,), ("method",))
    roles, _ = guessed(method=METHOD, seed=SEED, snorkels=VALUE, **{name: ["", "", "out of memory"] * 2})
    assert roles.metrics == ("snorkels",)


def test_columns_that_say_the_same_or_identify_a_run_are_no_factors() -> None:
    columns = {"started_at": list(range(6)), "lr": [0.1, 0.2] * 3, "variant": [f"v{each}" for each in METHOD]}
    roles, said = guessed(method=METHOD, seed=SEED, accuracy=VALUE, **columns)
    assert roles.factors == ("method", "lr")
    assert "not a factor: variant (changes together with method)" in said


def test_a_level_that_differs_in_every_run_is_no_factor_and_is_said() -> None:
    roles, said = guessed(method=METHOD, seed=SEED, accuracy=VALUE, dropout=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert roles.factors == ("method",)
    assert "not a factor: dropout (different in every run; a result with --metric)" in said


def test_the_step_of_a_curve_repeats_within_a_run() -> None:
    steps = [0, 1] * 4
    method, seed, value = ["base"] * 4 + ["ours"] * 4, [0, 0, 1, 1] * 2, [0.1, 0.5, 0.2, 0.6, 0.3, 0.7, 0.2, 0.8]
    roles, said = guessed(method=method, seed=seed, epoch=steps, accuracy=value)
    assert (roles.step, roles.seed, roles.factors) == ("epoch", "seed", ("method",))
    assert said.endswith("step epoch")


def test_epochs_that_are_a_level_are_a_factor() -> None:
    roles, _ = guessed(Roles(factors=("epoch",)), epoch=[5, 5, 5, 10, 10, 10], seed=SEED, accuracy=VALUE)
    assert (roles.step, roles.seed, roles.metrics) == (None, "seed", ("accuracy",))


def test_a_status_is_a_column_with_a_known_word() -> None:
    roles, _ = guessed(method=METHOD, seed=SEED, accuracy=VALUE, state=["COMPLETED"] * 5 + ["FAILED"])
    assert (roles.status, roles.factors) == ("state", ("method",))
    roles, _ = guessed(method=METHOD, seed=SEED, accuracy=VALUE, state=["Ohio"] * 3 + ["Utah"] * 3, drug=[1, 2] * 3)
    assert roles.status is None


def test_prefixes_say_what_a_column_is() -> None:
    columns = {"params.depth": [1, 2, 3] * 2, "metrics.f": VALUE, "metrics.g": VALUE, "seed": SEED, "params.method": METHOD}
    roles, _ = guessed(**columns)
    assert roles.metrics == ("metrics.f", "metrics.g")
    assert "params.method" in (roles.factors or ())


def test_what_the_user_named_is_kept() -> None:
    asked = Roles(factors=("variant",), seed="fold", metrics=("score",))
    columns = {"method": METHOD, "variant": METHOD, "fold": SEED, "seed": SEED, "score": VALUE, "accuracy": VALUE}
    roles, said = guessed(asked, **columns)
    assert (roles.factors, roles.seed, roles.metrics, said) == (asked.factors, asked.seed, asked.metrics, "")


def test_lists_of_runs_are_the_metric_only_if_there_is_no_other() -> None:
    """It is then refused with the reason, see `tabular`."""
    lists = ["[0.5, 0.6, 0.7]"] * 6
    assert guessed(method=METHOD, seed=SEED, accuracy=lists)[0].metrics == ("accuracy",)
    assert guessed(method=METHOD, seed=SEED, loss=lists, accuracy=VALUE)[0].metrics == ("accuracy",)
    with pytest.raises(UsageError, match="no column looks like a metric"):
        guessed(method=METHOD, seed=SEED, widths=lists)


def test_without_a_factor_or_a_metric_the_message_lists_the_columns() -> None:
    with pytest.raises(UsageError, match="no column looks like a metric; name one with --metric. Available: method, note"):
        guessed(method=METHOD, note=METHOD)
    with pytest.raises(
        UsageError,
        match="no column looks like a factor .*; name one with --factors. .*`--wide method`. Available: seed, accuracy",
    ):
        guessed(seed=list(range(6)), accuracy=VALUE)


@pytest.mark.parametrize(
    "names",
    [
        ("seed_0", "seed_1"),
        ("acc_seed0", "acc_seed1"),
        ("acc fold 1", "acc fold 2"),
        ("Seed 7", "Seed 8"),
        ("fold1", "fold2"),
        ("0", "1"),
    ],
)
def test_columns_of_seeds_are_refused_with_the_option_that_reads_them(names: tuple[str, str]) -> None:
    """Also where a factor repeats, so that the columns would pass as two metrics."""
    message = re.escape(f"there is a column for each seed ({names[0]} … {names[1]}). Use `--wide seed --metric NAME`")
    for factors in ({"method": list("abcdef")}, {"method": METHOD, "data": ["x", "y"] * 3}):
        with pytest.raises(UsageError, match=message):
            guessed(**factors, **dict.fromkeys(names, VALUE))


def test_a_factor_that_is_rather_a_block_is_said_with_the_option() -> None:
    columns = {"dataset": ["x", "y"] * 3, "method": METHOD, "accuracy": VALUE}
    assert guessed(**columns)[1].endswith("; if dataset is no treatment, use --blocks dataset")
    assert "--blocks" not in guessed(Roles(blocks="dataset"), **columns)[1]
    assert "--blocks" not in guessed(dataset=["x", "y"] * 3, accuracy=VALUE)[1]


def test_a_seed_is_preferred_to_what_only_contains_the_word() -> None:
    assert guessed(method=METHOD, data_seed=SEED, seed=SEED, accuracy=VALUE)[0].seed == "seed"


def test_folds_may_be_written_with_their_word() -> None:
    roles, _ = guessed(method=METHOD, fold=[f"fold{at}" for at in SEED], accuracy=VALUE)
    assert (roles.factors, roles.seed) == (("method",), "fold")
    assert guessed(method=METHOD, split=["train", "test", "val"] * 2, accuracy=VALUE)[0].seed == NO_SEED


def test_a_component_that_is_off_or_on_is_no_metric_whatever_its_name() -> None:
    roles, _ = guessed(focal_loss=[0] * 3 + [1] * 3, seed=SEED, accuracy=VALUE)
    assert (roles.factors, roles.metrics) == (("focal_loss",), ("accuracy",))
    roles, _ = guessed(aux_loss_weight=[0.0] * 3 + [0.5] * 3, seed=SEED, accuracy=VALUE)
    assert (roles.factors, roles.metrics) == (("aux_loss_weight",), ("accuracy",))
    assert guessed(method=METHOD, seed=SEED, score=[0, 1, 0, 1, 1, 1])[0].metrics == ("score",)  # nothing else is one


def test_a_version_is_a_factor_and_what_is_left_out_by_its_name_is_said() -> None:
    roles, said = guessed(version=METHOD, node=["a", "b", "a"] * 2, seed=SEED, accuracy=VALUE)
    assert roles.factors == ("version",)
    assert "not a factor: node (by its name; a factor with --factors)" in said


def test_how_far_a_run_came_is_no_factor() -> None:
    """The last epoch of a crashed run would make a configuration of it, and the treatment would seem to have lost none."""
    roles, said = guessed(method=METHOD, seed=SEED, epoch=[9, 9, 9, 9, 2, 2], accuracy=VALUE)
    assert roles.factors == ("method",)
    assert "not a factor: epoch (by its name; a factor with --factors)" in said
    assert guessed(method=METHOD, seed=SEED, step=["warm", "cold", "cold"] * 2, accuracy=VALUE)[0].factors == ("method", "step")


def test_integers_that_vary_between_seeds_are_results() -> None:
    columns = {"method": METHOD * 2, "width": [64] * 6 + [128] * 6, "seed": SEED * 2, "params": [10] * 6 + [40] * 6,
               "best_epoch": [3, 4, 3, 5, 4, 4, 3, 3, 5, 4, 6, 4], "accuracy": VALUE * 2}  # fmt: skip
    roles, said = guessed(**columns)
    assert roles.factors == ("method", "width")
    assert "params (by its name; a factor with --factors), best_epoch (a result: it differs between the seeds" in said


def test_a_factor_of_integers_with_seeds_of_its_own_is_no_result() -> None:
    """The seed alone decides the width: it does not vary between the seeds of a configuration as a result would."""
    roles, _ = guessed(method=METHOD, width=[64, 64, 128] * 2, seed=SEED, accuracy=VALUE)
    assert roles.factors == ("method", "width")


def test_results_on_test_data_are_the_main_metric() -> None:
    roles, _ = guessed(method=METHOD, seed=SEED, train_loss=VALUE, test_accuracy=VALUE)
    assert roles.metrics == ("test_accuracy", "train_loss")


def test_of_several_seeds_the_one_with_most_values_pairs_and_a_constant_is_none() -> None:
    roles, _ = guessed(data_seed=[1] * 6 + [2] * 6, method=METHOD * 2, init_seed=SEED * 2, accuracy=VALUE * 2)
    assert (roles.seed, roles.factors) == ("init_seed", ("data_seed", "method"))
    assert guessed(method=METHOD, data_seed=[42] * 6, accuracy=VALUE)[0].seed == NO_SEED


def test_a_column_of_dates_with_underscores_is_not_the_metric() -> None:
    dates = [f"2024_01_{day:02}" for day in range(10, 18)]
    quality = [f"0.{at}1" for at in range(8)]
    roles, _ = guessed(method=["a", "b"] * 4, seed=["0", "0", "1", "1", "2", "2", "3", "3"], launch=dates, quality=quality)
    assert roles.metrics == ("quality",)


def test_a_setting_of_a_baseline_with_seeds_of_its_own_is_no_result() -> None:
    """The baseline, with 12 layers, was trained with seeds 42 to 46: were `layers` left out, it would be one cell with 6 layers."""
    seeds = [*range(42, 47), *range(5), *range(5)]
    roles, said = guessed(
        attention=[True] * 5 + [False] * 5 + [True] * 5,
        layers=[12] * 10 + [6] * 5,
        seed=seeds,
        accuracy=[0.8 + at / 1000 for at in range(15)],
    )
    assert roles.factors == ("attention", "layers")
    assert "not a factor" not in said


def test_a_column_that_is_taken_for_a_result_is_a_caveat() -> None:
    columns = {"method": METHOD * 2, "width": [64] * 6 + [128] * 6, "seed": SEED * 2,
               "best_epoch": [3, 4, 3, 5, 4, 4, 3, 3, 5, 4, 6, 4], "accuracy": VALUE * 2}  # fmt: skip
    found, _, _ = completed(table(**columns), Roles())
    assert found.caveats == ("best_epoch is taken for a result, because it differs between the seeds of a configuration.",)


def test_the_order_of_metrics_follows_the_data_that_they_are_on() -> None:
    def order(*names: str) -> tuple[str, ...] | None:
        return guessed(method=METHOD, seed=SEED, **dict.fromkeys(names, VALUE))[0].metrics

    assert order("accuracy", "val_loss") == ("accuracy", "val_loss")
    assert order("loss", "accuracy", "val_loss", "val_accuracy") == ("val_loss", "val_accuracy", "loss", "accuracy")  # Keras
    assert order("train_acc", "acc", "test_acc") == ("test_acc", "acc", "train_acc")


def test_an_accuracy_with_a_field_that_is_no_number_is_named() -> None:
    columns = {"method": METHOD, "seed": SEED, "accuracy": ["51%", "0.52", "53%", "61%", "62%", "63%"]}
    found, roles, _ = completed(table(**columns), Roles())
    with pytest.raises(UsageError, match=r"line 3: accuracy is '0\.52', and other rows have percent signs"):
        results_of(found, roles)


@pytest.mark.parametrize(
    "values", [[5, 6, 7, 8, 9, 5, 6, 7, 8, 7, 6, 6, 7, 9, 8, 5, 5, 8, 9, 7], [2, 3, 2, 2, 3] * 2 + [3, 3, 2, 3, 2] * 2]
)
def test_a_result_of_few_integers_is_no_factor(values: list[object]) -> None:
    roles, said = guessed(
        method=["a"] * 10 + ["b"] * 10, seed=[*range(10)] * 2, best_epoch=values, acc=[at / 100 for at in range(20)]
    )
    assert roles.factors == ("method",)
    assert "best_epoch (a result" in said


def test_an_unreadable_metric_is_named_although_there_are_integers() -> None:
    columns = {
        "method": METHOD * 2,
        "layers": [2] * 6 + [4] * 6,
        "seed": SEED * 2,
        "acc": [*map(str, VALUE), *map(str, VALUE[1:]), "0.7x"],
    }
    found, roles, _ = completed(table(**columns), Roles())
    with pytest.raises(UsageError, match=r"acc is '0\.7x'"):
        results_of(found, roles)


def test_a_row_for_each_metric_is_refused() -> None:
    columns = {"method": METHOD * 2, "seed": SEED * 2, "metric": ["acc"] * 6 + ["loss"] * 6, "value": VALUE * 2}
    with pytest.raises(UsageError, match=r"there is a row for each metric \(acc, loss\)\. Write a column for each .*pivot"):
        guessed(**columns)
    roles, _ = guessed(**(columns | {"metric": ["cosine"] * 6 + ["euclidean"] * 6}))  # a distance
    assert roles.factors == ("method", "metric")


@pytest.mark.parametrize("names", [("results.seed_0.acc", "results.seed_1.acc"), ("split0_test_score", "split1_test_score")])
def test_seeds_within_names_are_refused_too(names: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="there is a column for each seed .*--wide seed"):
        guessed(method=["a", "b"], **{names[0]: [0.5, 0.6], names[1]: [0.51, 0.62]})
    roles, _ = guessed(method=["a", "b"] * 2, seed=[0, 0, 1, 1], top1=[0.5, 0.6, 0.51, 0.61], top5=[0.7, 0.8, 0.71, 0.81])
    assert roles.metrics == ("top1", "top5")


def test_an_error_of_the_mean_is_no_accuracy_and_rows_of_means_are_a_caveat() -> None:
    roles, _ = guessed(model=METHOD, seed=SEED, acc_stderr=[0.005] * 3 + [0.007] * 3, acc=VALUE)
    assert roles.metrics == ("acc",)
    found, roles, _ = completed(table(method=["a", "b"], acc_mean=[0.8, 0.9], acc_std=[0.01, 0.02], n=[5, 5]), Roles())
    assert (roles.factors, roles.metrics) == (("method",), ("acc_mean",))
    assert found.caveats == (
        "acc_std is not used: if the rows are means of several runs, each counts as one run here. Use the runs themselves.",
    )


def test_beside_columns_of_seeds_a_column_of_numbers_is_the_factor() -> None:
    wide = Roles(wide="seed", metrics=("acc",))
    roles, _ = guessed(wide, lr=[0.1, 0.01], seed_0=[0.5, 0.6], seed_1=[0.51, 0.61], mean=[0.505, 0.605])
    assert (roles.factors, roles.seed) == (("lr",), "seed")


@pytest.mark.parametrize(
    "names",
    [("mAP@0.5", "mAP@0.75"), ("recall.1", "recall.5"), ("acc_eps_0.1", "acc_eps_0.3"), ("iou/0", "iou/1"),
     ("split_80_20_acc", "split_50_50_acc"), ("f1_pos", "f1_neg"), ("bbox_map", "mask_map"), ("fid", "clip_score"),
     ("temperature_rmse", "wind_rmse"), ("mAP", "rank_1_accuracy"), ("acc", "mask_loss")],
)  # fmt: skip
def test_thresholds_classes_and_parts_are_metrics(names: tuple[str, str]) -> None:
    columns = {name: [round(value + at, 2) for value in VALUE] for at, name in enumerate(names)}
    roles, _ = guessed(method=METHOD, seed=SEED, **columns)
    assert set(roles.metrics or ()) == set(names)
    assert roles.factors == ("method",)


@pytest.mark.parametrize("name", ["solved", "success"])
def test_whether_a_run_succeeded_is_a_result_and_no_factor(name: str) -> None:
    """As a factor it would compare the runs that succeeded with each other."""
    outcome = [True, False, True, True, False, True]
    roles, _ = guessed(method=METHOD, seed=SEED, **{name: outcome})
    assert (roles.factors, roles.metrics) == (("method",), (name,))
    roles, _ = guessed(method=METHOD, seed=SEED, **{name: outcome}, episode_return=VALUE)
    assert (roles.factors, roles.metrics) == (("method",), ("episode_return",))


@pytest.mark.parametrize("name", ["success", "images_per_second", "crashed"])
def test_rates_may_be_the_metric(name: str) -> None:
    roles, _ = guessed(method=METHOD, seed=SEED, **{name: VALUE})
    assert (roles.factors, roles.metrics) == (("method",), (name,))


def test_a_metric_by_which_models_are_chosen_is_a_factor() -> None:
    roles, _ = guessed(metric=["val_loss"] * 3 + ["val_acc"] * 3, seed=SEED, accuracy=VALUE)
    assert roles.factors == ("metric",)


def test_settings_beside_columns_of_seeds_have_to_vary() -> None:
    columns = {"Unnamed: 0": [0, 1], "epochs": [10, 10], "lr": [0.1, 0.01], "runtime": [3.5, 3.6]}
    roles, _ = guessed(Roles(wide="seed", metrics=("acc",)), **columns, seed_0=[0.5, 0.6], seed_1=[0.51, 0.61])
    assert roles.factors == ("lr",)
