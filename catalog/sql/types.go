package sql

import (
	"fmt"
	"strconv"
	"strings"
)

// typeNames are the spellings of types that DuckDB has; the value is the type itself.
var typeNames = map[string]Type{
	"BIGINT": {Kind: BigInt}, "INTEGER": {Kind: BigInt}, "INT": {Kind: BigInt}, "INT8": {Kind: BigInt}, "LONG": {Kind: BigInt},
	"INT64": {Kind: BigInt}, "DOUBLE": {Kind: Double}, "FLOAT8": {Kind: Double}, "VARCHAR": {Kind: Varchar}, "TEXT": {Kind: Varchar},
	"STRING": {Kind: Varchar}, "CHAR": {Kind: Varchar}, "DECIMAL": {Kind: Decimal}, "NUMERIC": {Kind: Decimal},
	"BOOLEAN": {Kind: Boolean}, "BOOL": {Kind: Boolean}, "DATE": {Kind: Date}, "TIMESTAMP": {Kind: Timestamp},
	"DATETIME": {Kind: Timestamp}, "TIMESTAMPTZ": {Kind: TimestampTZ},
}

// mainTypes are what a message lists.
var mainTypes = []string{"BIGINT", "DOUBLE", "VARCHAR", "DECIMAL", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "INTEGER", "TEXT"}

const typeList = "types: BIGINT, DOUBLE, VARCHAR, DECIMAL(p,s), BOOLEAN, DATE, TIMESTAMP, TIMESTAMPTZ"

// maxPrecision is the most digits of a DECIMAL; 10^38 fits 127 bits.
const maxPrecision = 38

var kindNames = [...]string{Any: "untyped", BigInt: "BIGINT", Double: "DOUBLE", Decimal: "DECIMAL", Varchar: "VARCHAR",
	Boolean: "BOOLEAN", Date: "DATE", Timestamp: "TIMESTAMP", TimestampTZ: "TIMESTAMPTZ"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

func (t Type) String() string {
	if t.Kind == Decimal {
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	}
	return t.Kind.String()
}

func (k Kind) numeric() bool  { return k == BigInt || k == Double || k == Decimal }
func (k Kind) temporal() bool { return k == Date || k == Timestamp || k == TimestampTZ }

// typeName parses a type after :: or AS.
func (p *parser) typeName() (Type, int) {
	t := p.next()
	if t.kind != tokenWord && t.kind != tokenQuoted {
		p.fail(t, typeList, "expected a type, found %s", p.describe(t))
		return Type{}, t.end
	}
	upper := strings.ToUpper(t.value)
	typ, ok := typeNames[upper]
	if !ok {
		hint := nearest(t.value, mainTypes)
		switch upper {
		case "FLOAT", "REAL", "FLOAT4":
			hint = "use DOUBLE"
		case "HUGEINT", "UBIGINT", "UINTEGER", "SMALLINT", "TINYINT", "INT2", "INT4":
			hint = "use BIGINT or DECIMAL(38,0)"
		case "INTERVAL", "TIME", "BLOB", "JSON", "UUID":
			hint = typeList
		}
		if hint == "" {
			hint = typeList
		}
		p.fail(t, hint, "unknown type %s", p.describe(t))
		if p.takeOp("(") {
			p.sync(true)
		}
		return Type{}, t.end
	}
	end := t.end
	if typ.Kind == Timestamp && (p.peek().word("WITH") || p.peek().word("WITHOUT")) {
		with := p.next().word("WITH")
		if !p.expectWord("TIME", "in the type") || !p.expectWord("ZONE", "in the type") {
			return typ, end
		}
		end = p.tokens[p.at-1].end
		if with {
			typ = Type{Kind: TimestampTZ}
		}
	}
	if typ.Kind == Decimal {
		typ.Precision, typ.Scale = 18, 3
	}
	if p.peek().op("(") {
		args, last := p.typeArguments()
		end = last
		switch {
		case p.failed:
		case typ.Kind == Decimal:
			typ = p.decimalType(t, end, args)
		case typ.Kind == Varchar && len(args) == 1: // DuckDB ignores the length
		default:
			p.fail(token{kind: tokenOp, at: t.at, end: end}, "", "%s takes no arguments", upper)
		}
	}
	return typ, end
}

func (p *parser) typeArguments() (args []int, end int) {
	p.next()
	for {
		t := p.next()
		n, err := strconv.Atoi(t.value)
		if t.kind != tokenNumber || err != nil {
			p.fail(t, "write DECIMAL(18,2)", "expected a number of digits, found %s", p.describe(t))
			return nil, t.end
		}
		args = append(args, n)
		if p.takeOp(",") {
			continue
		}
		end = p.peek().end
		p.expectOp(")", "after the type")
		return args, end
	}
}

func (p *parser) decimalType(t token, end int, args []int) Type {
	typ := Type{Kind: Decimal, Precision: args[0]}
	if len(args) > 1 {
		typ.Scale = args[1]
	}
	if len(args) > 2 || typ.Precision < 1 || typ.Precision > maxPrecision || typ.Scale > typ.Precision {
		p.fail(token{kind: tokenOp, at: t.at, end: end}, "write DECIMAL(p,s) with p from 1 to 38 digits, s of them after the point",
			"DECIMAL can't have these digits")
	}
	return typ
}
