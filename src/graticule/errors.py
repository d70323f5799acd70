"""What goes wrong, said in one line: the file, the value and the mend."""


class GraticuleError(Exception):
    """An error a person can act on.

    The message is one line that names the file or value at fault and says how to mend it.
    The command line prints it without a traceback; everything else is a bug and keeps its own.
    """


class PhotoError(GraticuleError):
    """A photo that cannot be read. The rest of the batch goes on."""


class ManifestError(GraticuleError):
    """A table of photos that cannot be used as it is."""


class BundleError(GraticuleError):
    """A model folder that is incomplete, changed, or from a newer version."""


class RecipeError(GraticuleError):
    """A recipe with an unknown key, a wrong value, or parts that do not fit together."""


class PartitionError(GraticuleError):
    """A partition that cannot be built from what was given, or a file that is not one."""


class DivergedError(GraticuleError):
    """A training whose loss became no number: the recipe's fault, not the data's."""


class DownloadError(GraticuleError):
    """A download that failed; nothing half-written was kept under its final name."""


class MissingExtraError(GraticuleError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}: pip install 'graticule[{extra}]'")


class GraticuleWarning(UserWarning):
    """Something the user should know that does not stop the work."""
