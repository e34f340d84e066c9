import importlib
from typing import Any


def needed(package: str, by: str) -> Any:
    """A package that weftsim does without until somebody asks for what it makes."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ModuleNotFoundError(f"{by} needs the package {package}, which is not installed. Install it: pip install {package}", name=package) from None
