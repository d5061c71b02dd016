"""The network of the author's loop is the article's."""

import torch

from benchmarks.loops.author import AuthorNetwork
from benchmarks.product import make_network


def test_the_network_has_the_parameters_of_the_article_and_the_layers_of_the_product() -> None:
    network = AuthorNetwork()
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_990_290
    shapes = [tuple(parameter.shape) for parameter in network.parameters()]
    of_product = make_network(("experiment=stage89", "data=builtin"), "cpu").parameters()
    assert shapes == [tuple(parameter.shape) for parameter in of_product]
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
