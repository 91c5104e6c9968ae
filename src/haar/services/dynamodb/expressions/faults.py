"""What is wrong with an expression: AWS's texts, without the name of the expression in front."""

from __future__ import annotations

EMPTY = "The expression can not be empty;"
TOO_LONG = "Expression size has exceeded the maximum allowed size; expression size: {size}"
TOO_MANY_OPERATORS = "The expression contains too many operators; operator count: {count}"
SYNTAX = 'Syntax error; token: "{token}", near: "{near}"'
REDUNDANT_PARENTHESES = "The expression has redundant parentheses;"
RESERVED_WORD = "Attribute name is a reserved keyword; reserved keyword: {name}"
NAME_UNDEFINED = (
    "An expression attribute name used in the document path is not defined; attribute name: {name}"
)
VALUE_UNDEFINED = (
    "An expression attribute value used in expression is not defined; attribute value: {name}"
)
INDEX_RANGE = "List index is not within the allowable range; index: [{index}]"
TOO_DEEP = "The document path has too many nesting levels; nesting levels: {levels}"
FUNCTION_UNKNOWN = "Invalid function name; function: {function}"
FUNCTION_MISPLACED = (
    "The function is not allowed to be used this way in an expression; function: {function}"
)
FUNCTION_NOT_HERE = "The function is not allowed in {kind} expression; function: {function}"
OPERAND_COUNT = (
    "Incorrect number of operands for operator or function; operator or function: {function}, "
    "number of operands: {count}"
)
NEEDS_PATH = "Operator or function requires a document path; operator or function: {function}"
OPERATOR_TYPE = (
    "Incorrect operand type for operator or function; operator: {operator}, operand type: {kind}"
)
FUNCTION_TYPE = (
    "Incorrect operand type for operator or function; operator or function: {function}, operand "
    "type: {kind}"
)
NOT_DISTINCT = (
    "The first operand must be distinct from the remaining operands for this operator or "
    "function; operator: {operator}, first operand: {operand}"
)
TYPE_UNKNOWN = (
    "Invalid attribute type name found; type: {kind}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
)
BOUNDS_TYPE = (
    "The BETWEEN operator requires same data type for lower and upper bounds; lower bound "
    "operand: AttributeValue: {lower}, upper bound operand: AttributeValue: {upper}"
)
BOUNDS_ORDER = (
    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower "
    "bound operand: AttributeValue: {lower}, upper bound operand: AttributeValue: {upper}"
)
IN_TOO_MANY = "The IN operator is provided with too many operands; number of operands: {count}"
OVERLAP = (
    "Two document paths overlap with each other; must remove or rewrite one of these paths; path "
    "one: {one}, path two: {other}"
)
CONFLICT = (
    "Two document paths conflict with each other; must remove or rewrite one of these paths; path "
    "one: {one}, path two: {other}"
)
SECTION_TWICE = 'The "{section}" section can only be used once in an update expression;'


class ExpressionFault(ValueError):
    """An expression that is wrong; its text is one of this module's, filled in."""

    def __init__(self, text: str, **details: object) -> None:
        super().__init__(text.format_map(details))
