"""The canonical form of a traced network: equal for networks that compute the same function from the same initial weights.

The form lists the operations in order with their settings and inputs. Layers with weights are listed with their names, from
which initial weights are derived. Other layers have no names, and identities are omitted.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx, nn

from ablate.vision.config import Config
from ablate.vision.networks import outline
from ablate.vision.settings import NETWORK_SECTIONS

LEFT_OUT = {"training", "inplace"}  # both modes are traced; in-place operations give the same numbers


class UntraceableError(Exception):
    """The network cannot be traced, or its graph contains a value that has no canonical form."""


_contents: dict[str, Any] = {}


def network_content(config: Config) -> Any:
    """Identify the network of a configuration by JSON-like content. Cached.

    Returns:
        The canonical graph, or, for a network that cannot be traced, the settings it is built from.
    """
    key = config.model_dump_json(include=NETWORK_SECTIONS)
    if key not in _contents:
        try:
            _contents[key] = canonical_graph(outline(config))
        except UntraceableError:
            _contents[key] = {"settings": config.model_dump(include=NETWORK_SECTIONS)}
    return _contents[key]


def canonical_graph(network: nn.Module) -> dict[str, Any]:
    """The parameters of `network` in order, and its operations in training mode and in evaluation mode.

    Raises:
        UntraceableError: if the network has no canonical form.
    """
    training = network.training
    try:
        return {
            "parameters": [[name, list(parameter.shape)] for name, parameter in network.named_parameters()],
            "operations": [_operations(network.train(mode)) for mode in (True, False)],
        }
    finally:
        network.train(training)


class _Tracer(fx.Tracer):
    """Traces layers of this project that inherit their forward pass from torch as single operations, as torch's own."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        inherited = type(m).forward.__module__.startswith("torch.nn.") and not isinstance(m, nn.Sequential)
        return inherited or super().is_leaf_module(m, module_qualified_name)


def _operations(network: nn.Module) -> list[Any]:
    try:
        graph = _Tracer().trace(network)
    except Exception as error:  # tracing executes code of the network
        raise UntraceableError(f"{type(error).__name__}: {error}") from error
    layers = dict(network.named_modules(remove_duplicate=False))
    order: dict[fx.Node, int] = {}  # the index of each node's operation
    first_use: dict[int, Any] = {}  # by tensor id, so that shared layers and weights are recognized
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
    """A layer that is used as operation `number`: its name if it has weights, and its content."""
    weighted = any(True for _ in (*layer.parameters(), *layer.buffers()))
    role = str(node.target) if weighted else None  # for a shared layer, tracing uses its first name
    return [role, _layer(layer, [number], first_use)]


def _what(node: fx.Node) -> list[Any]:
    """An operation that is not a layer, without its inputs."""
    if node.op == "get_attr":
        raise UntraceableError(f"{node.target} is a tensor of the network, and its values are not part of the graph")
    if node.op == "call_function" and callable(node.target):
        return [f"{getattr(node.target, '__module__', '')}.{getattr(node.target, '__qualname__', node.target)}"]
    return [str(node.target) if node.op == "call_method" else None]


def _layer(layer: nn.Module, path: list[Any], first_use: dict[int, Any]) -> list[Any]:
    """A layer: its class, settings and children, and the shape, type and first use of its tensors."""
    if layer._forward_hooks or layer._forward_pre_hooks:
        raise UntraceableError("a layer has hooks, which are not traced")
    settings = {name: _plain(value, {}) for name, value in vars(layer).items() if name[0] != "_" and name not in LEFT_OUT}
    tensors = {
        name: [list(tensor.shape), str(tensor.dtype), first_use.setdefault(id(tensor), [*path, name])]
        for name, tensor in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False))
    }
    parts = [[name, _layer(part, [*path, name], first_use)] for name, part in layer.named_children()]
    kind = type(layer)
    return [f"{kind.__module__}.{kind.__qualname__}", settings, tensors, parts]


def _plain(value: Any, order: dict[fx.Node, int]) -> Any:
    """Convert an argument to JSON-like content; the result of an operation becomes the operation's number."""
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
