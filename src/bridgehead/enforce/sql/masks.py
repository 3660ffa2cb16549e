"""What stands in a column's place where its values may not be seen. The SQL type stays the same."""

from __future__ import annotations

from decimal import Decimal, localcontext

from sqlglot import exp

from bridgehead.enforce.sql.rights import ColumnRight, Dialect, Mask

TEXTS = frozenset({"TEXT", "VARCHAR", "CHAR", "NVARCHAR", "NCHAR", "BPCHAR"})
NUMBERS = frozenset(
    [
        "TINYINT",
        "SMALLINT",
        "INT",
        "MEDIUMINT",
        "BIGINT",
        "INT128",
        "UTINYINT",
        "USMALLINT",
        "UINT",
        "UBIGINT",
        "DECIMAL",
        "FLOAT",
        "DOUBLE",
        "REAL",
    ]
)
FLOATS = frozenset({"FLOAT", "DOUBLE", "REAL"})
MOST = "1.7976931348623157e308"
"""The largest finite number of a DOUBLE."""

LOWEST: dict[str, int] = {
    "TINYINT": -(2**7),
    "SMALLINT": -(2**15),
    "MEDIUMINT": -(2**23),
    "INT": -(2**31),
    "BIGINT": -(2**63),
    "INT128": 1 - 2**127,  # one above: the smallest itself cannot be written
    "UTINYINT": 0,
    "USMALLINT": 0,
    "UINT": 0,
    "UBIGINT": 0,
}
DIGEST = 64
"""Characters of what ``hash`` shows."""

DATES = frozenset(["DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPNTZ", "TIMESTAMPLTZ", "DATETIME"])

FITS = {"hash": TEXTS, "last4": TEXTS, "bucket": NUMBERS, "month": DATES, "year": DATES}


def type_of(column: ColumnRight, dialect: Dialect) -> exp.DataType:
    """Return a column's declared type. Raises ``ValueError`` where the dialect has no such type."""
    try:
        return exp.DataType.build(column.type, dialect=dialect)
    except Exception as error:
        raise ValueError(f"{column.type!r} is not a type of {dialect}") from error


def problem(column: ColumnRight, dialect: Dialect) -> str:
    """Return in words why a mask does not fit its column, or the empty string."""
    try:
        declared = type_of(column, dialect).this.name
    except ValueError as error:
        return str(error)
    if column.mask is None or column.mask.kind == "null":
        return ""
    if declared not in FITS[column.mask.kind]:
        return f"the mask {column.mask.kind} is not for {column.type}"
    if column.mask.kind == "bucket" and column.mask.size < 1:
        return "a bucket needs a size of at least 1"
    if column.mask.kind == "hash" and dialect == "postgres" and 0 < _length(column, dialect) < DIGEST:
        return f"the mask hash shows {DIGEST} characters, which {column.type} would cut off"
    return ""


def _length(column: ColumnRight, dialect: Dialect) -> int:
    sizes = type_of(column, dialect).expressions
    return int(sizes[0].this.name) if sizes else 0


def masked(column: ColumnRight, value: exp.Expr, dialect: Dialect, secret: exp.Expr) -> exp.Expr:
    """Return the expression that is shown for ``value``; ``secret`` keys the hash."""
    mask = column.mask
    if mask is None:
        return value
    declared = type_of(column, dialect)
    return exp.Cast(this=_shown(mask, value, declared, dialect, secret), to=declared)


def _shown(
    mask: Mask, value: exp.Expr, declared: exp.DataType, dialect: Dialect, secret: exp.Expr
) -> exp.Expr:
    match mask.kind:
        case "null":
            return exp.Null()
        case "hash":
            return _hashed(value, dialect, secret)
        case "last4":
            return _last4(value, dialect)
        case "bucket":
            return _bucket(value, declared, mask.size, dialect)
        case "month" | "year":
            return _cut(value, mask.kind, dialect)


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _hashed(value: exp.Expr, dialect: Dialect, secret: exp.Expr) -> exp.Expr:
    """A keyed digest, hashed twice so that a digest cannot be extended to that of a longer value."""
    if dialect == "sqlite":
        return _call("bh_hash", secret, value)  # the driver gives this function to its connection
    if dialect == "duckdb":
        keyed = exp.DPipe(this=secret.copy(), expression=value)
        return _call("sha256", exp.DPipe(this=secret, expression=_call("sha256", keyed)))

    def sha256(what: exp.Expr) -> exp.Expr:
        return _call("encode", _call("sha256", _call("convert_to", what, _text("UTF8"))), _text("hex"))

    as_text = exp.Cast(this=secret, to=exp.DataType.build("TEXT"))
    inner = sha256(
        exp.DPipe(this=as_text.copy(), expression=exp.Cast(this=value, to=exp.DataType.build("TEXT")))
    )
    return sha256(exp.DPipe(this=as_text, expression=inner))


def _last4(value: exp.Expr, dialect: Dialect) -> exp.Expr:
    """Four stars and the last four characters; of eight characters or fewer, stars only."""
    length = "length"
    end = (
        _call("substr", value.copy(), _number(-4) if dialect == "sqlite" else exp.Neg(this=_number(4)))
        if dialect == "sqlite"
        else _call("right", value.copy(), _number(4))
    )
    return exp.Case(
        ifs=[
            exp.If(this=exp.Is(this=value.copy(), expression=exp.Null()), true=exp.Null()),
            exp.If(this=exp.LTE(this=_call(length, value.copy()), expression=_number(8)), true=_text("****")),
        ],
        default=exp.DPipe(this=_text("****"), expression=end),
    )


def _bucket(value: exp.Expr, declared: exp.DataType, size: int, dialect: Dialect) -> exp.Expr:
    if dialect == "sqlite" and declared.this.name not in LOWEST:
        return _bucket_in_sqlite(value, size)  # what has a decimal point is a float there
    if declared.this.name in FLOATS:
        return _bucket_of_float(value, size)
    return _bucket_of_exact(value, size, _lowest(declared, dialect))


def _bucket_in_sqlite(value: exp.Expr, size: int) -> exp.Expr:
    """No FLOOR in every build: the whole part is taken, and for negative ones the next bucket. Beyond 10^15
    the end of that range is shown.
    """
    ratio = exp.Div(this=exp.Paren(this=value.copy()), expression=_number(size))
    whole = exp.Cast(this=ratio, to=exp.DataType.build("BIGINT"))
    exact = exp.Mul(this=exp.Paren(this=whole), expression=_number(size))
    below = exp.Sub(this=exact.copy(), expression=_number(size))
    far = exp.Literal.number("1e15")
    return exp.Case(
        ifs=[
            exp.If(this=exp.GTE(this=value.copy(), expression=far.copy()), true=far.copy()),
            exp.If(this=exp.LTE(this=value.copy(), expression=exp.Neg(this=far)), true=exp.Neg(this=far)),
            exp.If(this=exp.LT(this=value.copy(), expression=exact.copy()), true=below),
        ],
        default=exact,
    )


def _bucket_of_exact(value: exp.Expr, size: int, lowest: Decimal | None) -> exp.Expr:
    """The remainder is taken away, in the column's own arithmetic: nothing is rounded on the way, and nothing
    falls below the smallest number of the type (``lowest``; None: there is none).
    """
    rest = exp.Paren(this=exp.Mod(this=value.copy(), expression=_number(size)))
    down = exp.Sub(this=value.copy(), expression=rest)
    below = exp.Sub(this=down.copy(), expression=_number(size))
    negative = exp.LT(this=rest.copy(), expression=_number(0))
    ifs = [exp.If(this=negative, true=below)]
    if lowest is not None:
        with localcontext(prec=100):
            end = exp.LT(this=exp.Paren(this=down.copy()), expression=_literal(lowest + size))
        ifs.insert(0, exp.If(this=exp.And(this=negative.copy(), expression=end), true=_literal(lowest)))
    return exp.Case(ifs=ifs, default=down)


def _bucket_of_float(value: exp.Expr, size: int) -> exp.Expr:
    """What is not a number stays what it is; at both ends, and around zero, a division could fail."""
    number = exp.Cast(this=value, to=exp.DataType.build("DOUBLE"))

    def when(first: type[exp.Binary], start: str, second: type[exp.Binary], end: str) -> exp.Expr:
        left = first(this=number.copy(), expression=_literal(Decimal(start)))
        return exp.And(this=left, expression=second(this=number.copy(), expression=_literal(Decimal(end))))

    beyond = exp.Or(
        this=exp.GT(this=number.copy(), expression=exp.Literal.number(MOST)),
        expression=exp.LT(this=number.copy(), expression=exp.Neg(this=exp.Literal.number(MOST))),
    )
    far = exp.Literal.number("1e300")
    ratio = exp.Div(this=number.copy(), expression=_number(size))
    return exp.Case(
        ifs=[
            exp.If(this=beyond, true=number.copy()),
            exp.If(this=exp.GTE(this=number.copy(), expression=far.copy()), true=far.copy()),
            exp.If(
                this=exp.LTE(this=number.copy(), expression=exp.Neg(this=far.copy())),
                true=exp.Neg(this=far.copy()),
            ),
            exp.If(this=when(exp.GTE, "0", exp.LT, "1"), true=_number(0)),
            exp.If(this=when(exp.GTE, "-1", exp.LT, "0"), true=_literal(Decimal(-size))),
        ],
        default=exp.Mul(this=_call("floor", ratio), expression=_number(size)),
    )


def _lowest(declared: exp.DataType, dialect: Dialect) -> Decimal | None:
    """Return the smallest number an exact type holds; None where there is none."""
    kind = declared.this.name
    if kind in LOWEST:
        return Decimal(LOWEST["BIGINT" if dialect == "sqlite" else kind])  # there all are of 64 bits
    digits = [int(part.this.name) for part in declared.expressions]
    if not digits:
        if dialect == "postgres":
            return None
        digits = [18, 3]  # what DuckDB takes for a bare DECIMAL
    whole, after = digits[0], digits[1] if len(digits) > 1 else 0
    return Decimal((1, (9,) * whole, -after))


def _literal(number: Decimal) -> exp.Expr:
    """Return an exact number as it is written out."""
    written = exp.Literal.number(f"{number.copy_abs():f}")
    return exp.Neg(this=written) if number.is_signed() else written


def _cut(value: exp.Expr, unit: str, dialect: Dialect) -> exp.Expr:
    if dialect == "sqlite":
        return _call("date", value, _text(f"start of {unit}"))
    return _call("date_trunc", _text(unit), value)
