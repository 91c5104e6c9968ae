"""Projections: which paths of an item an answer has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from haar.services.dynamodb.expressions.paths import Tree, cut, tree_of
from haar.services.dynamodb.expressions.reader import Reader
from haar.services.dynamodb.expressions.syntax import Path, Used
from haar.services.dynamodb.values import Item


@dataclass(frozen=True, slots=True)
class CompiledProjection:
    """A projection, ready.

    Attributes:
        paths: in the order of the text.
        tree: the same, by their parts.
        used: the placeholders that it needs.
    """

    paths: tuple[Path, ...]
    tree: Tree
    used: Used

    def apply(self, item: Item) -> Item:
        """Return what of an item lies on the paths."""
        return cut(item, self.tree)


def compile_projection(text: str, names: Mapping[str, str]) -> CompiledProjection:
    """Return the projection that a text says.

    Raises:
        ExpressionFault: the text is wrong.
    """
    reader = Reader(text, names)
    paths = [reader.path()]
    while reader.accept(","):
        paths.append(reader.path())
    reader.finish()
    return CompiledProjection(tuple(paths), tree_of(paths), reader.used)
