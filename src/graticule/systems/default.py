"""The default system: one encoder, one head a task, over any partitions.

Bundle: ``encoder.onnx`` (``pixels_0`` → ``embedding``), ``heads.onnx`` (``embedding`` → an output
for each task, log-weights), ``partitions/TASK.parquet``.
Settings: ``tasks``, its partitions; ``scenes``, the columns of the output ``scenes`` if it has one.
"""

from __future__ import annotations

from collections.abc import Sequence

from graticule.belief import Belief, Labels
from graticule.encoders.onnx import OnnxGraph
from graticule.errors import BundleError
from graticule.systems.bundle import Bundle
from graticule.systems.system import Pixels, Prediction, System


class Default(System):
    """One encoder and its heads."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.inputs = bundle.manifest.inputs
        self.point_task = bundle.manifest.point_task
        self._encoder = OnnxGraph(bundle.file("encoder.onnx"))
        self._heads = OnnxGraph(bundle.file("heads.onnx"))
        settings = bundle.manifest.settings
        self._tasks = {task: bundle.partition(task) for task in settings["tasks"]}
        self._scenes = Labels(tuple(settings["scenes"])) if settings.get("scenes") else None
        missing = set(self._tasks) - set(self._heads.outputs)
        if missing:
            raise BundleError(f"{bundle.path}: heads.onnx has no output {', '.join(missing)}")

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Encode once, then every head."""
        embedding = self._encoder(pixels_0=pixels[0])["embedding"]
        logits = self._heads(embedding=embedding)
        return Prediction(
            {
                task: Belief.from_logits(partition, logits[task])
                for task, partition in self._tasks.items()
            },
            embedding,
            Belief.from_logits(self._scenes, logits["scenes"]) if self._scenes else None,
        )
