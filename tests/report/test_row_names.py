"""Names in little room: rows that differ never look alike."""

from itertools import pairwise

import pytest

from ablate.report.plots import Mark, close, forest, style
from ablate.report.row_names import in_room, wrapped


def test_rows_are_told_apart_where_their_middle_differs() -> None:
    rows = [f"dataset={name}, adapter=dora, rank={rank}, quant=fp16" for name in ("CoLA", "MNLI_mm") for rank in (4, 16)]
    assert in_room([*rows, "dataset=CoLA, rank=4"], 23)[:2] == ["CoLA, dora, rank=4,\nfp16", "CoLA, dora, rank=16,\nfp16"]
    interactions = [f"model|size × aux: small, no_aux → {size}, aux_loss" for size in ("base", "large")]
    assert in_room(interactions, 23) == ["model|size=base ×\naux=aux_loss", "model|size=large ×\naux=aux_loss"]


def test_numbers_and_words_of_several_factors_keep_their_factor() -> None:
    names = in_room(["encoder=small, decoder=large, layers=3", "encoder=large, decoder=small, layers=4"], 23)
    assert names == ["encoder=small,\ndecoder=large, layers=3", "encoder=large,\ndecoder=small, layers=4"]


def test_changes_from_different_levels_keep_them() -> None:
    assert in_room(["size: small → large", "size: base → large"], 13) == ["size: small →\nlarge", "size: base →\nlarge"]


def test_more_lines_are_taken_before_anything_is_cut() -> None:
    name = "batch_size=128, dropout=false, stem=pyramid, norm=article, shared=true"
    assert in_room([name, "shared=true"], 23) == [
        "batch_size=128,\ndropout=false, pyramid,\narticle, shared=true",
        "shared=true",
    ]
    assert in_room(["optimizer+weight_decay=fast_muon/0 (n = 3)"], 23) == ["optimizer+weight_decay=\nfast_muon/0 (n = 3)"]


@pytest.mark.parametrize("factors", [7, 9, 12])
def test_of_very_long_names_words_are_cut_and_what_differs_remains(factors: int) -> None:
    long = ", ".join(f"factor_with_a_name_{at}={{}}" for at in range(factors))
    names = [long.format(*[at == changed for at in range(factors)]).lower() for changed in range(2)]
    found = in_room([*names, "short"], 23)
    assert len(set(found)) == 3
    assert found[2] == "short"
    assert all(name.count("\n") <= 3 for name in found)


def test_names_that_are_equal_have_a_number_each() -> None:
    assert in_room(["a", "a", "b"], 10) == ["a (1)", "a (2)", "b"]


def test_a_figure_is_high_enough_for_its_names() -> None:
    name = "batch_size={}, dropout=false, stem=pyramid, norm=article, shared=true"
    with style(paper=True):
        figure = forest([Mark(name.format(at), at, 0.0, 9.0) for at in range(12)], "x", percent=False)
        figure.canvas.draw()
        boxes = sorted(
            (label.get_window_extent().y0, label.get_window_extent().y1) for label in figure.axes[0].get_yticklabels()
        )
        close(figure)
    assert all(below[1] <= above[0] for below, above in pairwise(boxes))


def test_of_a_long_name_the_levels_are_shortened_and_the_factors_kept() -> None:
    name = "backbone × augmentation: resnet50_pretrained_imagenet21k, randaugment_m9 → vit_base_patch16_224_augreg, none"
    for length in (26, 30, 40):
        factors, levels = wrapped(name, length).split("\n")
        assert factors == "backbone × augmentation:"
        assert len(levels) <= length
        assert [level[:2] for level in levels.replace(" →", ",").split(", ")] == ["re", "ra", "vi", "no"]
    name = "model: resnet18_imagenet_bs256_seedless → resnet50_imagenet_bs256_seedless"
    for length in (24, 29):
        first, second = wrapped(name, length).replace("\n", " ").removeprefix("model: ").split(" → ")
        assert first != second
    assert wrapped("dropout: true → false", 30) == "dropout: true → false"
    assert wrapped("dropout: true → false", 16) == "dropout: true →\nfalse"
    assert wrapped("a_name_without_spaces", 12) == "a_name_witho\nut_spaces"
