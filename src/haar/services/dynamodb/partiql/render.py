"""From pieces to native expressions: paths and values get placeholders."""

from __future__ import annotations

from haar.kit.call import Members
from haar.services.dynamodb.expressions.syntax import Path
from haar.services.dynamodb.partiql.syntax import Literal, Pieces
from haar.services.dynamodb.values import Value


class Placeholders:
    """Names and values of one native request."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Value] = {}

    def text(self, pieces: Pieces) -> str:
        """Return the expression that the pieces say."""
        return " ".join(map(self._piece, pieces))

    def _piece(self, piece: str | Path | Literal) -> str:
        if isinstance(piece, str):
            return piece
        if isinstance(piece, Path):
            return self.path(piece)
        key = f":v{len(self._values)}"
        self._values[key] = piece.value
        return key

    def path(self, path: Path) -> str:
        """Return a document path."""
        text = ""
        for part in path.parts:
            if isinstance(part, int):
                text += f"[{part}]"
            else:
                text += f".{self._name(part)}" if text else self._name(part)
        return text

    def _name(self, name: str) -> str:
        return self._names.setdefault(name, f"#n{len(self._names)}")

    def add_to(self, members: Members) -> None:
        """Add the names and the values to a request, where there are any."""
        if self._names:
            members["ExpressionAttributeNames"] = {key: name for name, key in self._names.items()}
        if self._values:
            members["ExpressionAttributeValues"] = self._values
