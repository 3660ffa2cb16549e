"""The part of SQL that is let through: statements, parts of statements, functions, types.

An allow-list: what is not named here is refused, also what a later version of the parser learns to read.
Functions are pure, bounded, and take no SQL text, table name, file, connection or setting. Names are those
of sqlglot's node classes, and, for functions it has no class for, SQL names in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping


def words(text: str) -> frozenset[str]:
    """Return the words of a list."""
    return frozenset(text.split())


STATEMENTS = frozenset({"Select", "Union", "Intersect", "Except", "Values"})

_PARTS = """
    Select Union Intersect Except Values Subquery With CTE From Join Table TableAlias Lateral Where Group
    Having Qualify Order Ordered Limit Offset Fetch LimitOptions Distinct Window WindowSpec Alias Aliases
    Cube Rollup GroupingSets Tuple Paren Column Identifier Star Literal Null Boolean Var DataType
    DataTypeParam Dot Bracket Slice Interval IntervalSpan WithinGroup Filter IgnoreNulls RespectNulls
    RawString National All Any
"""

_OPERATORS = """
    Add Sub Mul Div IntDiv Mod Neg DPipe And Or Xor Not EQ NEQ GT GTE LT LTE Is In Between Like ILike
    Escape NullSafeEQ NullSafeNEQ BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift
    BitwiseRightShift SimilarTo RegexpLike RegexpILike Glob AtTimeZone Exists Case If Collate IsNullValue
    Overlaps
"""

_FUNCTIONS = """
    Cast TryCast Coalesce Nullif Greatest Least Nvl2 Abs Ceil Floor Round Trunc Sign Sqrt Cbrt Exp Ln Log
    Pow Pi Mod Degrees Radians Sin Cos Tan Asin Acos Atan Atan2 Cot Sinh Cosh Tanh WidthBucket SafeDivide
    Lower Upper Initcap Length Trim Left Right Substring Replace Concat ConcatWs SplitPart StrPosition
    Reverse Ascii Chr Pad Overlay Translate RegexpReplace RegexpExtract RegexpFullMatch RegexpSplit
    RegexpCount StartsWith EndsWith Contains Levenshtein MD5 SHA SHA2 Hex Unhex ToChar ToNumber StrToDate
    StrToTime Format CurrentDate CurrentTime CurrentTimestamp Localtime Localtimestamp Extract Date
    DateAdd DateSub DateDiff DateTrunc TimestampTrunc DateFromParts DateBin Day DayOfMonth DayOfWeek
    DayOfWeekIso DayOfYear Dayname Month Monthname Year Quarter Week WeekOfYear Hour Minute Second LastDay
    TimeToStr TimestampAdd TimestampSub TimestampDiff DatetimeAdd DatetimeSub DatetimeDiff TsOrDsToDate
    TsOrDsToTimestamp TsOrDsAdd TsOrDsDiff MakeInterval JustifyDays JustifyHours JustifyInterval
    UnixToTime TimeToUnix Time Timestamp Datetime TimestampFromParts MonthsBetween AddMonths Count CountIf
    Sum Avg Min Max Stddev StddevPop StddevSamp Variance VariancePop Corr CovarPop CovarSamp Median Mode
    Quantile ApproxQuantile ApproxDistinct PercentileCont PercentileDisc ArrayAgg GroupConcat LogicalAnd
    LogicalOr AnyValue First ArgMax ArgMin BitwiseAndAgg BitwiseOrAgg BitwiseXorAgg Skewness Kurtosis
    RegrAvgx RegrAvgy RegrCount RegrIntercept RegrR2 RegrSlope RegrSxx RegrSxy RegrSyy JSONObject
    JSONArray JSONArrayAgg JSONObjectAgg JSONExtract JSONExtractScalar JSONBExtract JSONBExtractScalar
    JSONPath JSONPathRoot JSONPathKey JSONPathSubscript JSONKeyValue ParseJSON JSONType RowNumber Rank
    DenseRank PercentRank CumeDist Ntile Lag Lead FirstValue LastValue NthValue Grouping GroupingId Array
    ArraySize ArrayContains ArrayContainsAll ArrayToString StringToArray ArrayConcat ArrayAppend
    ArrayPrepend ArraySlice Struct StructExtract Unnest GenerateSeries ExplodingGenerateSeries
"""

NODES = frozenset((_PARTS + _OPERATORS + _FUNCTIONS).split())

NAMED: Mapping[str, frozenset[str]] = {
    "postgres": words("""
        age to_char to_date to_timestamp to_number date_part btrim ltrim rtrim position char_length
        octet_length bit_length quote_literal row_to_json to_json to_jsonb json_agg jsonb_agg
        json_build_object jsonb_build_object json_build_array jsonb_build_array jsonb_object_agg
        json_object_agg json_array_length jsonb_array_length jsonb_typeof json_typeof array_length
        array_position array_remove array_replace cardinality array_upper array_lower array_ndims
        string_agg every bool_and bool_or bit_and bit_or div gcd lcm factorial scale min_scale
        trim_scale num_nulls num_nonnulls isfinite make_date make_time make_timestamp
        clock_timestamp statement_timestamp transaction_timestamp now timeofday concat sha256 sha224
        sha384 sha512 convert_to encode decode regexp_match regexp_matches regexp_split_to_array erf
        unistr normalize parse_ident starts_with substr strpos to_hex row xor
        """),
    "duckdb": words("""
        strftime strptime try_strptime date_part datepart datediff date_diff datesub date_sub epoch
        epoch_ms make_date make_time make_timestamp list list_value list_contains list_distinct
        list_sort list_sum list_avg list_min list_max list_count len array_length string_split split
        str_split regexp_matches ltrim rtrim instr jaccard hamming bar nullif ifnull isnan
        isinf isfinite even gcd lcm factorial bool_and bool_or string_agg listagg favg fsum
        kahan_sum product histogram entropy mad mode arg_min arg_max min_by max_by
        approx_count_distinct reservoir_quantile quantile_cont quantile_disc bit_and bit_or bit_xor
        count_star row struct_pack to_days to_months to_years to_hours to_minutes to_seconds century
        decade era isodow isoyear weekday weekofyear yearweek today now get_current_timestamp
        transaction_timestamp concat strip_accents ucase lcase unicode ord sha256 md5 nfc_normalize
        xor
        """),
    "sqlite": words("""
        ifnull iif instr printf format julianday strftime date time datetime unixepoch total
        group_concat ltrim rtrim trim typeof hex quote unicode char likely unlikely json json_array
        json_array_length json_extract json_object json_type json_valid json_group_array
        json_group_object sign substr substring glob like nullif min max abs round
        """),
}

UNBOUNDED: Mapping[str, frozenset[str]] = {
    "postgres": frozenset(),
    "duckdb": words("Format"),
    "sqlite": frozenset(),
}
"""Functions that make as much text as they are told to, where nothing else limits what a query takes."""

TYPES = words("""
        BOOLEAN TINYINT SMALLINT INT MEDIUMINT BIGINT INT128 UTINYINT USMALLINT UINT UBIGINT UINT128
        DECIMAL BIGDECIMAL FLOAT DOUBLE REAL CHAR NCHAR VARCHAR NVARCHAR BPCHAR TEXT NAME DATE
        DATE32 TIME TIMETZ TIMESTAMP TIMESTAMPTZ TIMESTAMPLTZ TIMESTAMPNTZ TIMESTAMP_S TIMESTAMP_MS
        TIMESTAMP_NS DATETIME INTERVAL UUID JSON JSONB BINARY VARBINARY BLOB BIT ARRAY LIST STRUCT
        MAP MONEY
        """) - {"NAME", "MONEY"}

ARGUMENTS: Mapping[str, frozenset[str]] = {
    "Select": words("""
        with_ expressions distinct from_ joins laterals where group having qualify windows order
        limit offset operation_modifiers
        """),
    "Table": frozenset({"this", "db", "alias", "joins"}),
    "Join": frozenset({"this", "on", "using", "side", "kind", "method"}),
    "With": frozenset({"expressions", "recursive"}),
    "CTE": frozenset({"this", "alias", "materialized"}),
    "Subquery": frozenset({"this", "alias", "with_", "joins", "order", "limit", "offset", "where"}),
    "Union": frozenset(
        {"this", "expression", "distinct", "by_name", "with_", "order", "limit", "offset", "side", "kind"}
    ),
    "Intersect": frozenset({"this", "expression", "distinct", "with_", "order", "limit", "offset"}),
    "Except": frozenset({"this", "expression", "distinct", "with_", "order", "limit", "offset"}),
    "Values": frozenset({"expressions", "alias", "with_", "order", "limit", "offset"}),
    "Lateral": frozenset({"this", "alias", "cross_apply", "view", "outer", "ordinality"}),
    "Star": frozenset({"except_", "replace", "rename"}),
}
"""For parts with room for much: the arguments that may be there. Anything else in them is refused."""

METHODS = frozenset({"", "NATURAL"})
SIDES = frozenset({"", "LEFT", "RIGHT", "FULL"})
KINDS = frozenset({"", "INNER", "OUTER", "CROSS", "SEMI", "ANTI"})

MAX_TEXT = 32_768
"""Characters one statement may have."""

MAX_PAD = 1_000
"""Characters ``lpad`` and ``rpad`` may fill up to: longer ones serve only to exhaust memory."""
