"""One network under training: an encoder, a head, and which of their layers learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from graticule.encoders.encoder import Encoder
from graticule.encoders.split import Split
from graticule.errors import RecipeError
from graticule.heads.head import Head
from graticule.training.recipe import PhaseSpec


class Network(nn.Module):
    """Encoder and head; without an encoder it takes the vectors themselves.

    Attributes:
        encoder: or None, where features are kept.
        head: see :class:`~graticule.heads.head.Head`.
        split: where the encoder is cut, if maps of its lower part are kept.
    """

    def __init__(self, encoder: Encoder | None, head: Head) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.split: Split | None = None
        self._frozen: set[str] = set()

    def cut(self, phases: Iterable[PhaseSpec]) -> Split:
        """From now on take maps of the encoder's part that no phase lets learn.

        Raises:
            RecipeError: there is no such part.
        """
        assert self.encoder is not None
        learning = set[str]().union(*(self.layers(p.learn) for p in phases if p.epochs))
        self.split = Split(self.encoder, learning)
        return self.split

    def forward(self, x: Tensor) -> Mapping[str, Tensor]:
        """Logits by task, of uint8 pixels (n, size, size, 3), maps or float vectors (n, dim)."""
        logits: Mapping[str, Tensor] = self.head(self.vectors(x))
        return logits

    def vectors(self, x: Tensor) -> Tensor:
        """Vectors (n, dim) of what :meth:`forward` takes."""
        if self.encoder is None:
            return x
        out: Tensor = self.encoder(x) if self.split is None else self.split.upper(x)
        return out

    def learn(self, what: str | float | tuple[str, ...]) -> list[str]:
        """Let only some layers of the backbone learn; the head always does.

        A frozen layer has no gradient, and a frozen batch norm neither updates its statistics nor
        uses the batch's: :meth:`train` leaves it in evaluation mode.

        Args:
            what: ``head``, ``all``, a share of the backbone's layers from the top, or the
                beginnings of their names.

        Returns:
            The names of the backbone's layers that learn.

        Raises:
            RecipeError: a name begins no layer's.
        """
        if self.encoder is None:
            return []
        names = [name for name, _ in self.encoder.layers()]
        learning = self.layers(what)
        self._frozen = set(names) - learning
        for name, layer in self.encoder.layers():
            for parameter in layer.parameters(recurse=False):
                parameter.requires_grad_(name in learning)
        self.train(self.training)
        return [name for name in names if name in learning]

    def layers(self, what: str | float | tuple[str, ...]) -> set[str]:
        """Names of the backbone's layers that ``what`` means; see :meth:`learn`."""
        if self.encoder is None or what == "head":
            return set()
        names = [name for name, _ in self.encoder.layers()]
        if what == "all":
            return set(names)
        if isinstance(what, float):
            return set(self.encoder.top_layers(what))
        begins = (what,) if isinstance(what, str) else what
        for begin in begins:
            if not any(name.startswith(begin) for name in names):
                stems = ", ".join(dict.fromkeys(name.partition(".")[0] for name in names))
                raise RecipeError(
                    f"encoder {self.encoder.spec.name} has no layer {begin!r}; their names begin, "
                    f"from the input upwards, {stems}"
                )
        return {name for name in names if name.startswith(tuple(begins))}

    def train(self, mode: bool = True) -> Network:
        """Switch to training, but for layers that are frozen."""
        super().train(mode)
        if self.encoder is None:
            return self
        for name, layer in self.encoder.layers():
            if name in self._frozen and isinstance(layer, _BatchNorm):
                layer.eval()
        if len(self._frozen) == len(self.encoder.layers()):
            # Nothing of it learns: dropout inside it would only blur its vectors.
            self.encoder.eval()
        return self

    def groups(self, rate: float, backbone_rate: float) -> list[dict[str, object]]:
        """Parameters that learn, as an optimizer takes them, head first."""
        groups: list[dict[str, object]] = [
            {"params": list(self.head.parameters()), "lr": rate, "base": rate}
        ]
        if self.encoder is not None:
            body = [p for p in self.encoder.parameters() if p.requires_grad]
            if body:
                lower = rate * backbone_rate
                groups.append({"params": body, "lr": lower, "base": lower})
        return groups
