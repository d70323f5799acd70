"""An encoder cut in two: a lower part that never learns, and an upper part that does.

The lower part can then run once over the photos and its maps be kept (`graticule.encoders.maps`).
The cut is found in the traced graph of the network, whatever the family: the last value before the
first learning layer that everything above depends on, and on nothing else below.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import torch
from torch import Tensor, fx, nn

from graticule.encoders.encoder import Encoder
from graticule.encoders.weights import digest
from graticule.errors import RecipeError


class Split:
    """Two halves of an encoder, over the encoder's own layers: what it learns, they have learned.

    Attributes:
        encoder: the whole.
        cut: where it is cut: the name of the last step below.
        shape: of one photo's map.
    """

    def __init__(self, encoder: Encoder, learning: Collection[str]) -> None:
        """Cut an encoder below its lowest learning layer.

        Args:
            encoder: what is cut.
            learning: names of the backbone's layers that learn, as
                :meth:`~graticule.encoders.encoder.Encoder.layers` has them.

        Raises:
            RecipeError: its lowest layer learns, or its steps cannot be traced.
        """
        self.encoder = encoder
        was = encoder.training
        # A step that asks whether it is training, dropout say, is traced as it then answers.
        graphs = {mode: self._trace(mode) for mode in (False, True)}
        encoder.train(was)
        inside = {f"backbone.{name}" if name else "backbone" for name in learning}
        self.cut, lower, still = self._choose(graphs[False], inside)
        moving = {node.name: node for node in graphs[True].nodes}.get(self.cut)
        if moving is None:
            raise self._whole("it is another network while it trains")
        self._lower = fx.Interpreter(encoder, graph=lower)
        self._upper = {
            False: fx.Interpreter(encoder, graph=still),
            True: fx.Interpreter(encoder, graph=_above(graphs[True], moving)),
        }
        self._held = _layers(lower)
        self.shape = tuple(self.lower(self._blank(1)).shape[1:])

    @property
    def label(self) -> str:
        """What is below the cut, for the key of a store."""
        spec = self.encoder.spec
        return f"{self.encoder.seen}{spec.name}/{spec.normalise}/below {self.cut}"

    @property
    def weights(self) -> str:
        """Hash of the weights below the cut: what is above may differ."""
        total = hashlib.sha256()
        if self.encoder.segmenter is not None:
            total.update(digest(self.encoder.segmenter).encode())
        modules = dict(self.encoder.named_modules())
        for name in sorted(self._held):
            total.update(name.encode())
            found = modules.get(name)
            if found is None:  # a parameter that a step takes by itself
                owner, _, end = name.rpartition(".")
                found = nn.Module()
                found.register_buffer("own", getattr(modules[owner], end).detach())
            total.update(digest(found).encode())
        return total.hexdigest()

    def lower(self, pixels: Tensor) -> Tensor:
        """Maps (n, *shape) of pixels uint8 (n, size, size, 3)."""
        out: Tensor = self._lower.run(self.encoder.normalised(pixels))
        return out

    def upper(self, maps: Tensor) -> Tensor:
        """Vectors (n, dim) of maps (n, *shape) of any float type."""
        found = self._upper[self.encoder.training].run(maps.to(self.encoder.mean.dtype))
        return self.encoder.pool(found)

    def _trace(self, training: bool) -> fx.Graph:
        self.encoder.train(training)
        try:
            graph = _Tracer().trace(self.encoder)
        except Exception as error:  # whatever a network's own code does with a stand-in
            raise self._whole("its steps cannot be traced") from error
        return graph

    def _choose(self, graph: fx.Graph, learning: set[str]) -> tuple[str, fx.Graph, fx.Graph]:
        """The latest cut below every learning layer whose value is a map of each photo."""
        nodes = list(graph.nodes)
        place = {node: i for i, node in enumerate(nodes)}
        first = min((i for i, node in enumerate(nodes) if _layer(node) in learning), default=0)
        # Last use of anything computed at or before each node: one cut has one value alive.
        reach = [
            max((place[user] for user in node.users), default=0) if _computed(node) else 0
            for node in nodes
        ]
        alive = 0
        found = []
        for i, node in enumerate(nodes[:first]):
            if node.op in {"call_module", "call_function", "call_method"} and alive <= i:
                found.append(node)
            alive = max(alive, reach[i])
        for node in reversed(found):
            lower = _below(graph, node)
            value = fx.Interpreter(self.encoder, graph=lower).run(
                self.encoder.normalised(self._blank(2))
            )
            if isinstance(value, Tensor) and value.is_floating_point() and len(value) == 2:
                return node.name, lower, _above(graph, node)
        raise self._whole("its lowest layer learns")

    def _blank(self, n: int) -> Tensor:
        size = self.encoder.spec.preprocess.size
        return torch.zeros(n, size, size, 3, dtype=torch.uint8, device=self.encoder.mean.device)

    def _whole(self, why: str) -> RecipeError:
        return RecipeError(
            f"encoder {self.encoder.spec.name} has no frozen part whose maps could be kept: {why}; "
            "use features: never, or let fewer layers learn"
        )


class _Tracer(fx.Tracer):
    """Follows the steps down to the layers that hold parameters, which stay whole."""

    def __init__(self) -> None:
        super().__init__()
        self.traced_func_name = "feature_map"

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        own = any(True for _ in m.parameters(recurse=False))
        return own or super().is_leaf_module(m, module_qualified_name)


def _layer(node: fx.Node) -> str | None:
    """The layer that a step runs or whose parameter it takes; None for any other step."""
    if node.op == "call_module":
        return str(node.target)
    if node.op == "get_attr":
        return str(node.target).rpartition(".")[0]
    return None


def _layers(graph: fx.Graph) -> set[str]:
    return {str(node.target) for node in graph.nodes if node.op in {"call_module", "get_attr"}}


def _computed(node: fx.Node) -> bool:
    """Whether a step's value depends on the photo; parameters are there on both sides."""
    return node.op not in {"get_attr", "output"}


def _below(graph: fx.Graph, cut: fx.Node) -> fx.Graph:
    """From the photo to the cut."""
    return _part(graph, cut, {})


def _above(graph: fx.Graph, cut: fx.Node) -> fx.Graph:
    """From the cut to the end."""
    end = next(node for node in graph.nodes if node.op == "output")
    return _part(graph, end.all_input_nodes[0], {cut: "maps"})


def _part(graph: fx.Graph, result: fx.Node, given: dict[fx.Node, str]) -> fx.Graph:
    """The steps that ``result`` needs, where the values of ``given`` are handed in by name."""
    needed, open_ = set(given), [result]
    while open_:
        node = open_.pop()
        if node not in needed:
            needed.add(node)
            open_ += node.all_input_nodes
    out = fx.Graph()
    held = {node: out.placeholder(name) for node, name in given.items()}
    for node in graph.nodes:
        if node in needed and node not in held:
            held[node] = out.node_copy(node, lambda n: held[n])
    out.output(held[result])
    return out
