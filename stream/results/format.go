package results

import (
	"math"
	"strconv"
	"strings"
)

// The texts of numbers, for everything that people read: page, command line, Slack, CSV. Nobody else formats a number
// of a result, so that one value has one text (C6).
//
// How many decimals a number gets follows from how well it is known: the half-width of its interval is shown to two
// significant digits, and value and bounds with the same decimals; with more where an end would else lose its sign.

const (
	// Missing stands for a number that is not there.
	Missing = "—"
	minus   = "−" // U+2212: as wide as the plus, and never taken for a hyphen
)

// Effect is the text of a lift or a difference. A number that is not there is Missing; an interval that is not is "".
type Effect struct {
	Value    string // +2.3%
	Low      string // +0.4
	High     string // +4.2
	Interval string // +0.4 … +4.2
	Text     string // +2.3% (+0.4 … +4.2)
}

// FormatLift writes a lift with one of its intervals (nil: without).
func FormatLift(value *float64, interval Interval) Effect {
	return effect(value, interval, 100, "", "%")
}

// FormatDifference writes an absolute difference of a metric with the format given, with one of its intervals.
func FormatDifference(format string, value *float64, interval Interval) Effect {
	switch kind, argument, _ := strings.Cut(format, ":"); kind {
	case "percent":
		return effect(value, interval, 100, "", " pp") // of percentages: percentage points
	case "currency":
		symbol, after := currency(argument)
		return effect(value, interval, 1, symbol, after)
	case "bytes":
		factor, unit := byteUnit(value)
		return effect(value, interval, factor, "", unit)
	default:
		return effect(value, interval, 1, "", unitOf(kind))
	}
}

// effect writes a signed number and its interval in units of 1/factor.
func effect(value *float64, interval Interval, factor float64, before, after string) Effect {
	if value == nil || !finite(*value*factor) {
		return Effect{Value: Missing, Text: Missing}
	}
	v := *value * factor
	decimals := effectDecimals(v)
	bounded := interval != nil && finite(interval[0]*factor) && finite(interval[1]*factor)
	if bounded {
		if half := (interval[1] - interval[0]) * factor / 2; half > 0 {
			decimals = decimalsOf(half)
			for _, end := range interval { // an end's sign decides: it must not be rounded away
				decimals = max(decimals, signDecimals(end*factor, decimals))
			}
		}
	}
	e := Effect{Value: signed(v, decimals, before) + after}
	e.Text = e.Value
	if bounded {
		e.Low, e.High = signed(interval[0]*factor, decimals, ""), signed(interval[1]*factor, decimals, "")
		e.Interval = e.Low + " … " + e.High
		e.Text = e.Value + " (" + e.Interval + ")"
	}
	return e
}

// signDecimals are as many decimals, from those given on, as show that v is not 0; at most three more, so that what only arithmetic keeps from
// 0 is 0.
func signDecimals(v float64, decimals int) int {
	for more := range 4 {
		if math.Abs(v)*math.Pow(10, float64(decimals+more)) > 0.5 {
			return min(decimals+more, maxDecimals)
		}
	}
	return decimals
}

// effectDecimals are those of an effect without an interval, of which nobody knows how well it is known: two significant
// digits, with one decimal at least unless it is large.
func effectDecimals(v float64) int {
	switch v = math.Abs(v); {
	case v >= 100:
		return 0
	case v == 0:
		return 1
	default:
		return max(1, decimalsOf(v))
	}
}

// FormatValue writes the value of an arm; se is its standard error, nil if there is none.
func FormatValue(format string, value, se *float64) string {
	if value == nil || !finite(*value) {
		return Missing
	}
	factor, before, after := 1.0, "", ""
	switch kind, argument, _ := strings.Cut(format, ":"); kind {
	case "percent":
		factor, after = 100, "%"
	case "currency":
		before, after = currency(argument)
	case "bytes":
		factor, after = byteUnit(value)
	default:
		after = unitOf(kind)
	}
	v := *value * factor
	if !finite(v) {
		return Missing
	}
	if se != nil && finite(*se*factor) && *se > 0 {
		return number(v, decimalsOf(halfWidth**se*factor), before) + after
	}
	return trimmed(v, before) + after
}

// halfWidth of a 95 % interval, in standard errors. It only chooses decimals.
const halfWidth = 1.96

// trimmed writes a number that is known exactly, to five significant digits and without trailing zeros.
func trimmed(v float64, before string) string {
	decimals := 4
	if v != 0 {
		decimals = max(0, 4-int(math.Floor(math.Log10(math.Abs(v)))))
	}
	text := number(v, min(decimals, maxDecimals), before)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// unitOf is what follows a number of the format.
func unitOf(format string) string {
	switch format {
	case "duration_ms":
		return " ms"
	case "duration_s":
		return " s"
	}
	return ""
}

// currency returns what stands before and after an amount.
func currency(code string) (before, after string) {
	switch code {
	case "KRW":
		return "₩", ""
	case "USD":
		return "$", ""
	case "EUR":
		return "€", ""
	case "GBP":
		return "£", ""
	case "JPY":
		return "¥", ""
	case "":
		return "", ""
	}
	return "", " " + code
}

func byteUnit(value *float64) (factor float64, unit string) {
	if value == nil {
		return 1, " B"
	}
	switch v := math.Abs(*value); {
	case v >= 1e9:
		return 1e-9, " GB"
	case v >= 1e6:
		return 1e-6, " MB"
	case v >= 1e4:
		return 1e-3, " kB"
	}
	return 1, " B"
}

// FormatP writes a p-value: four decimals, or as many more as keep it on its side of alpha.
func FormatP(p *float64, alpha float64) string {
	if p == nil || !finite(*p) {
		return Missing
	}
	if *p < 0.0001 && (alpha > 0.0001 || alpha <= 0 || *p < alpha) {
		return "<0.0001"
	}
	for decimals := 4; ; decimals++ {
		text := strconv.FormatFloat(*p, 'f', decimals, 64)
		rounded, err := strconv.ParseFloat(text, 64)
		if err != nil || alpha <= 0 || (*p < alpha) == (rounded < alpha) || decimals >= maxDecimals {
			return text
		}
	}
}

// FormatCount writes a count with thousands separators.
func FormatCount(n int64) string {
	text := strconv.FormatInt(n, 10)
	if n < 0 {
		return minus + group(text[1:])
	}
	return group(text)
}

// FormatCompact writes a count for a chart's axis: 1.2M.
func FormatCompact(n int64) string {
	v, sign := math.Abs(float64(n)), ""
	if n < 0 {
		sign = minus
	}
	for _, u := range []struct {
		at   float64
		unit string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		// 999,950 would be 1,000.0k: it is 1M.
		if v >= u.at*0.99995 {
			text := strconv.FormatFloat(v/u.at, 'f', 1, 64)
			return sign + strings.TrimSuffix(text, ".0") + u.unit
		}
	}
	return FormatCount(n)
}

// FormatPercent writes a share, such as an arm's of all subjects, with the decimals given: 50.01%.
func FormatPercent(share float64, decimals int) string {
	if !finite(share) {
		return Missing
	}
	return number(share*100, decimals, "") + "%"
}

// FormatLimit writes a guardrail's limit for a metric of the format given: +5%.
func FormatLimit(format string, g *Guardrail) string {
	if g == nil {
		return Missing
	}
	if g.Unit == "relative" {
		return sign(g.Limit) + trimmed(math.Abs(g.Limit)*100, "") + "%"
	}
	abs := math.Abs(g.Limit)
	text := FormatValue(format, &abs, nil)
	if format == "percent" {
		text = trimmed(abs*100, "") + " pp"
	}
	return sign(g.Limit) + text
}

func sign(v float64) string {
	if v < 0 {
		return minus
	}
	return "+"
}

// maxDecimals keeps absurdly small numbers readable.
const maxDecimals = 12

// decimalsOf returns how many decimals show h > 0 to two significant digits.
func decimalsOf(h float64) int {
	// The exponent of h rounded to two digits: 0.0996 is 0.10, not 0.100.
	text := strconv.FormatFloat(h, 'e', 1, 64)
	exponent, _ := strconv.Atoi(text[strings.IndexByte(text, 'e')+1:])
	return min(max(0, 1-exponent), maxDecimals)
}

// number writes v with a minus but no plus.
func number(v float64, decimals int, before string) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	if v < 0 && strings.Trim(text, "0.") != "" {
		return minus + before + group(text)
	}
	return before + group(text)
}

// signed writes v with its sign, and zero without: there is no −0.
func signed(v float64, decimals int, before string) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	if strings.Trim(text, "0.") == "" {
		return before + group(text)
	}
	return sign(v) + before + group(text)
}

// group puts thousands separators into a decimal number without sign.
func group(text string) string {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(whole) > 3 {
		var b strings.Builder
		for i := range len(whole) {
			if i > 0 && (len(whole)-i)%3 == 0 {
				b.WriteByte(',')
			}
			b.WriteByte(whole[i])
		}
		whole = b.String()
	}
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
