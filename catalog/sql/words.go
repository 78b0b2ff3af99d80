package sql

// reserved words can't name a field or a bare alias without quotes; the list is DuckDB's.
var reserved = set("ALL", "ANALYSE", "ANALYZE", "AND", "ANY", "ARRAY", "AS", "ASC", "ASYMMETRIC", "BOTH", "CASE", "CAST",
	"CHECK", "COLLATE", "COLUMN", "CONSTRAINT", "CREATE", "DEFAULT", "DEFERRABLE", "DESC", "DESCRIBE", "DISTINCT", "DO",
	"ELSE", "END", "EXCEPT", "FALSE", "FETCH", "FOR", "FOREIGN", "FROM", "GROUP", "HAVING", "IN", "INITIALLY", "INTERSECT",
	"INTO", "LAMBDA", "LATERAL", "LEADING", "LIMIT", "NOT", "NULL", "OFFSET", "ON", "ONLY", "OR", "ORDER", "PIVOT", "PIVOT_LONGER", "PIVOT_WIDER", "PLACING",
	"PRIMARY", "QUALIFY", "REFERENCES", "RETURNING", "SELECT", "SHOW", "SOME", "SUMMARIZE", "SYMMETRIC", "TABLE", "THEN",
	"TO", "TRAILING", "TRUE", "UNION", "UNIQUE", "UNPIVOT", "USING", "VARIADIC", "WHEN", "WHERE", "WINDOW", "WITH")

// functionWords can name functions and types but no field without quotes, in DuckDB; AT, which is among them there, is a
// common field and is read as one.
var functionWords = set("ANTI", "ASOF", "AUTHORIZATION", "BINARY", "BY", "COLLATION", "COLUMNS", "CONCURRENTLY", "CROSS", "FREEZE",
	"FULL", "GENERATED", "GLOB", "ILIKE", "INNER", "IS", "ISNULL", "JOIN", "LEFT", "LIKE", "MAP", "NATURAL", "NOTNULL", "OUTER",
	"OVERLAPS", "POSITIONAL", "RIGHT", "SEMI", "SIMILAR", "STRUCT", "TABLESAMPLE", "TRY_CAST", "UNPACK", "VERBOSE")

// notAlias are words that end an expression, so that they are no alias without AS: clauses and operators, and the
// joins that are refused.
var notAlias = set("BETWEEN", "LIKE", "ILIKE", "IS", "ISNULL", "NOTNULL", "SIMILAR", "GLOB", "OVER", "FILTER", "JOIN",
	"INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "ASOF", "POSITIONAL", "SEMI", "ANTI", "TABLESAMPLE", "ESCAPE", "AT",
	"VALUES", "OUTER", "BY", "COLLATION", "COLUMNS", "MAP", "STRUCT", "OVERLAPS")

// refusal says why a clause of SQL is not in the dialect and where its meaning goes.
type refusal struct{ what, hint string }

var clauses = map[string]refusal{
	"GROUP":       {"GROUP BY is not allowed in an event", "use agg: in the metric"},
	"HAVING":      {"HAVING is not allowed in an event", "use where: in the metric"},
	"ORDER":       {"ORDER BY is not allowed in an event", "events are ordered by event_time"},
	"LIMIT":       {"LIMIT is not allowed in an event", "every record that WHERE keeps is an event"},
	"OFFSET":      {"OFFSET is not allowed in an event", "every record that WHERE keeps is an event"},
	"FETCH":       {"FETCH is not allowed in an event", "every record that WHERE keeps is an event"},
	"UNION":       {"UNION is not allowed in an event", "define one event for each SELECT"},
	"INTERSECT":   {"INTERSECT is not allowed in an event", "use one WHERE"},
	"EXCEPT":      {"EXCEPT is not allowed in an event", "use one WHERE"},
	"WINDOW":      {"WINDOW is not allowed in an event", "use window: in the metric"},
	"QUALIFY":     {"QUALIFY is not allowed in an event", "use where: in the metric"},
	"WITH":        {"WITH is not allowed in an event", "write one SELECT … FROM source WHERE …"},
	"JOIN":        refuseJoin,
	"INNER":       refuseJoin,
	"LEFT":        refuseJoin,
	"RIGHT":       refuseJoin,
	"FULL":        refuseJoin,
	"CROSS":       refuseJoin,
	"NATURAL":     refuseJoin,
	"ASOF":        refuseJoin,
	"POSITIONAL":  refuseJoin,
	"TABLESAMPLE": {"TABLESAMPLE is not allowed in an event", "every record that WHERE keeps is an event"},
}

var refuseJoin = refusal{"JOIN is not allowed in an event", "an event reads one source; a metric joins two events of a subject, a profile source adds dimensions"}

// aggregates are functions over many rows.
var aggregates = map[string]string{
	"COUNT": "use agg: COUNT in the metric", "SUM": "use agg: SUM in the metric", "MIN": "use agg: MIN in the metric",
	"MAX": "use agg: MAX in the metric", "AVG": "use agg: SUM in the metric's numerator; the mean is over subjects",
	"MEAN": "use agg: SUM in the metric's numerator; the mean is over subjects", "FIRST": "", "LAST": "", "ANY_VALUE": "",
	"ARG_MAX": "", "ARG_MIN": "", "LIST": "", "ARRAY_AGG": "", "STRING_AGG": "", "GROUP_CONCAT": "", "MEDIAN": "", "MODE": "",
	"STDDEV": "", "VARIANCE": "", "VAR_SAMP": "", "STDDEV_SAMP": "", "BOOL_AND": "use agg: EXISTS in the metric",
	"BOOL_OR":               "use agg: EXISTS in the metric",
	"APPROX_COUNT_DISTINCT": "use agg: COUNT_DISTINCT in the metric", "QUANTILE": "", "PERCENTILE_CONT": "",
}

// windows are functions over a row's neighbours.
var windows = set("ROW_NUMBER", "RANK", "DENSE_RANK", "LAG", "LEAD", "NTILE", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE",
	"CUME_DIST", "PERCENT_RANK")

// unsteady functions give another value on every run, so that a replay would not give the same event.
var unsteady = set("NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIMESTAMP", "LOCALTIME", "TODAY",
	"RANDOM", "UUID", "GEN_RANDOM_UUID", "GET_CURRENT_TIMESTAMP", "NEXTVAL")

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
