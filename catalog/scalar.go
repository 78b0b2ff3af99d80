package catalog

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The typed scalars of definitions: a number with its unit in one word. Each parser takes the text as written and
// says only whether it is one; the reader reports where and what is allowed.

var durationUnits = []struct {
	name string
	unit time.Duration
}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour}}

const durationHint = "write a number with its unit: 30s, 10m, 1h30m, 14d, 2w"

// parseDuration reads 30s, 10m, 1h30m, 14d. A day is 24 hours.
func parseDuration(text string) (time.Duration, bool) {
	if text == "0" {
		return 0, true
	}
	rest, total := text, time.Duration(0)
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil {
			return 0, false
		}
		rest = rest[digits:]
		letters := len(rest) - len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz"))
		unit := time.Duration(0)
		for _, u := range durationUnits {
			if u.name == rest[:letters] {
				unit = u.unit
			}
		}
		if unit == 0 || n > int64(math.MaxInt64/2/unit) {
			return 0, false
		}
		rest = rest[letters:]
		total += time.Duration(n) * unit
		if total < 0 || total > math.MaxInt64/2 {
			return 0, false
		}
	}
	return total, text != ""
}

const numberHint = "write a decimal number, such as 0.05"

// parseNumber reads a finite decimal number.
func parseNumber(text string) (float64, bool) {
	if strings.ContainsAny(text, "xXpPnN_") { // hexadecimal, inf, nan, separators
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
}

const limitHint = "write a lift with its sign and %, such as +5% or -0.1%, or an absolute difference, such as +0.02; the sign is the harmful direction"

// parseLimit reads +5%, -0.1% or +0.02.
func parseLimit(text string) (Limit, bool) {
	number, relative := strings.CutSuffix(text, "%")
	v, ok := parseNumber(number)
	if relative {
		v /= 100
	}
	return Limit{Value: v, Relative: relative, Text: text}, ok
}

const timeHint = "write RFC 3339 with an offset, such as 2026-03-02T00:00:00+09:00, or without (then it is UTC)"

// ParseTime reads a time as definitions write it: RFC 3339 with an offset, or a date or date and time without one, which is UTC.
func ParseTime(text string) (time.Time, bool) {
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04Z07:00",
		"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			// Outside these years microseconds since 1970 still fit, but the year was a slip.
			return t, t.Year() >= 1970 && t.Year() < 2262
		}
	}
	return time.Time{}, false
}

const boolHint = "write true or false"

func parseBool(text string) (value, ok bool) {
	switch text {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

const idHint = "letters, digits, _ - and ., beginning with a letter, digit or _; at most 128"

// validID says whether a text may name a definition: it becomes part of URLs, topic keys and file names.
func validID(text string) bool {
	if text == "" || len(text) > 128 || text[0] == '-' || text[0] == '.' {
		return false
	}
	for _, c := range []byte(text) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// validName says whether a text may name what data names: a variant, a dimension's value, a column.
func validName(text string) bool {
	return text != "" && len(text) <= 256 && !strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// durationText prints a duration in the way that definitions write it.
func durationText(d time.Duration) string {
	if d == NoLateness || d == math.MaxInt64 {
		return "none"
	}
	if d == 0 {
		return "0"
	}
	var b strings.Builder
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.unit
		}
	}
	return b.String()
}
