"""The canonical form of a network's traced graph: equal for two networks of the same function and the same initial weights.

The form lists the operations in their order, each with its settings and its inputs. Layers with weights are named by their
role in the network, because initial weights derive from it; other layers have no names, and identities are left out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx, nn

from ablate.vision.config import Config
from ablate.vision.networks import outline

SECTIONS = {"model", "stem", "norm", "activation"}  # of the configuration, all that a network is built from
LEFT_OUT = {"training", "inplace"}  # the mode is traced, and where a result is stored changes no number


class UntraceableError(Exception):
    """The graph cannot be traced, or contains something whose value the graph does not tell."""


_contents: dict[str, Any] = {}


def network_content(config: Config) -> Any:
    """What identifies the network of a configuration, as JSON-like content; kept for the next equal configuration.

    Returns:
        The canonical graph. For a network without one, the settings that it is built from: it then equals no network of other
        settings.
    """
    key = config.model_dump_json(include=SECTIONS)
    if key not in _contents:
        try:
            _contents[key] = canonical_graph(outline(config))
        except UntraceableError:
            _contents[key] = {"settings": config.model_dump(include=SECTIONS)}
    return _contents[key]


def canonical_graph(network: nn.Module) -> dict[str, Any]:
    """The parameters of `network` in their order, and its operations in training mode, then in evaluation mode.

    Raises:
        UntraceableError: if its graph does not tell what it computes.
    """
    training = network.training
    try:
        return {
            "parameters": [[name, list(parameter.shape)] for name, parameter in network.named_parameters()],
            "operations": [_operations(network.train(mode)) for mode in (True, False)],
        }
    finally:
        network.train(training)


def _operations(network: nn.Module) -> list[Any]:
    try:
        graph = fx.Tracer().trace(network)
    except Exception as error:  # tracing runs the network's own code
        raise UntraceableError(f"{type(error).__name__}: {error}") from error
    layers = dict(network.named_modules(remove_duplicate=False))
    order: dict[fx.Node, int] = {}  # the operation whose result a node is
    first_use: dict[int, Any] = {}  # of each layer and each tensor, by its id
    operations: list[Any] = []
    for node in graph.nodes:
        layer = layers[str(node.target)] if node.op == "call_module" else None
        if isinstance(layer, nn.Identity):
            order[node] = order[node.all_input_nodes[0]]
            continue
        order[node] = len(operations)
        what = _what(node) if layer is None else _use(node, layer, len(operations), first_use)
        operations.append([node.op, *what, _plain(node.args, order), _plain(dict(node.kwargs), order)])
    return operations


def _use(node: fx.Node, layer: nn.Module, number: int, first_use: dict[int, Any]) -> list[Any]:
    """A layer used as operation `number`: its role if it has weights, its settings, and the first use of the same layer."""
    weighted = any(True for _ in (*layer.parameters(), *layer.buffers()))
    role = str(node.target) if weighted else None  # of a layer that is used twice, tracing gives the first name
    return [role, _layer(layer, [number], first_use), first_use.setdefault(id(layer), number)]


def _what(node: fx.Node) -> list[Any]:
    """What an operation other than a layer does, without its inputs."""
    if node.op == "get_attr":
        raise UntraceableError(f"{node.target} is a tensor of the network's own, whose values the graph does not tell")
    if node.op == "call_function" and callable(node.target):
        return [f"{getattr(node.target, '__module__', '')}.{getattr(node.target, '__qualname__', node.target)}"]
    return [str(node.target) if node.op == "call_method" else None]


def _layer(layer: nn.Module, path: list[Any], first_use: dict[int, Any]) -> list[Any]:
    """A layer of torch's: its class, settings and parts, and of its own tensors the shape, the type and the first use."""
    if layer._forward_hooks or layer._forward_pre_hooks:
        raise UntraceableError("a layer has hooks, which tracing does not see")
    settings = {name: _plain(value, {}) for name, value in vars(layer).items() if name[0] != "_" and name not in LEFT_OUT}
    tensors = {
        name: [list(tensor.shape), str(tensor.dtype), first_use.setdefault(id(tensor), [*path, name])]
        for name, tensor in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False))
    }
    parts = [[name, _layer(part, [*path, name], first_use)] for name, part in layer.named_children()]
    kind = type(layer)
    return [f"{kind.__module__}.{kind.__qualname__}", settings, tensors, parts]


def _plain(value: Any, order: dict[fx.Node, int]) -> Any:
    """An argument as JSON-like content; the result of an operation by the operation's number."""
    match value:
        case fx.Node():
            return {"result of": order[value]}
        case None | bool() | int() | float() | str():
            return value
        case tuple() | list():
            return [_plain(each, order) for each in value]
        case dict():
            return {str(name): _plain(each, order) for name, each in value.items() if name not in LEFT_OUT}
        case slice():
            return {"slice": [_plain(each, order) for each in (value.start, value.stop, value.step)]}
        case torch.dtype() | torch.device() | torch.memory_format() | torch.Size():
            return str(value)
    raise UntraceableError(f"a value of the type {type(value).__name__} has no canonical form")
