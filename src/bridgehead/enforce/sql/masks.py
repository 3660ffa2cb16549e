"""What stands in a column's place where its values may not be seen. The SQL type stays the same."""

from __future__ import annotations

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
    return ""


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
            return _bucket(value, mask.size, dialect)
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


def _bucket(value: exp.Expr, size: int, dialect: Dialect) -> exp.Expr:
    if dialect == "sqlite":
        # No FLOOR in every build: the remainder is taken away, and for negative ones the next bucket.
        whole = exp.Cast(this=exp.Div(this=exp.Paren(this=value.copy()), expression=_number(size)),
                         to=exp.DataType.build("INT"))  # fmt: skip
        exact = exp.Mul(this=exp.Paren(this=whole), expression=_number(size))
        below = exp.Case(
            ifs=[
                exp.If(
                    this=exp.LT(this=value, expression=exact.copy()),
                    true=exp.Sub(this=exact.copy(), expression=_number(size)),
                )
            ],
            default=exact,
        )
        return exp.Paren(this=below)
    exact_type = exp.DataType.build("DECIMAL(38, 4)")
    ratio = exp.Div(this=exp.Cast(this=value, to=exact_type), expression=_number(size))
    return exp.Mul(this=_call("floor", ratio), expression=_number(size))


def _cut(value: exp.Expr, unit: str, dialect: Dialect) -> exp.Expr:
    if dialect == "sqlite":
        return _call("date", value, _text(f"start of {unit}"))
    return _call("date_trunc", _text(unit), value)
