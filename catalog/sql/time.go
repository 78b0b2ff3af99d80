package sql

import (
	"bytes"
	"time"
)

const (
	microsSecond int64 = 1_000_000
	microsDay          = 86_400 * microsSecond
)

// daysOf counts the days from 1970-01-01 to a day of the proleptic Gregorian calendar.
// Source: H. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
func daysOf(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yearOfEra := year - era*400
	dayOfYear := (153*((month+9)%12)+2)/5 + day - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

// civil is the inverse of daysOf (civil_from_days of the same source).
func civil(days int64) (year, month, day int64) {
	days += 719468
	era := floorDiv(days, 146097)
	dayOfEra := days - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	m := (5*dayOfYear + 2) / 153
	day = dayOfYear - (153*m+2)/5 + 1
	month = m + 3
	if month > 12 {
		month -= 12
	}
	year = yearOfEra + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func daysInMonth(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// zone is what stands after a time.
type zone uint8

const (
	noZone zone = iota
	withZone
)

// parseDate reads [-]Y-M-D (also with / or a space, one or two digits) and returns what follows.
func parseDate(text []byte) (days int64, rest []byte, ok bool) {
	text = bytes.TrimLeft(text, " \t\n\v\f\r")
	negative := false
	if len(text) > 0 && text[0] == '-' {
		negative, text = true, text[1:]
	}
	year, text, n := digitsOf(text, 6)
	if n == 0 || len(text) == 0 {
		return 0, nil, false
	}
	separator := text[0]
	if separator != '-' && separator != '/' && separator != '\\' && separator != ' ' {
		return 0, nil, false
	}
	month, text, n := digitsOf(text[1:], 2)
	if n == 0 || len(text) == 0 || text[0] != separator {
		return 0, nil, false
	}
	day, text, n := digitsOf(text[1:], 2)
	if n == 0 {
		return 0, nil, false
	}
	if negative {
		year = -year
	}
	if month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month) {
		return 0, nil, false
	}
	return daysOf(year, month, day), text, true
}

func digitsOf(text []byte, most int) (n int64, rest []byte, count int) {
	for count < len(text) && count < most && isDigit(text[count]) {
		n = n*10 + int64(text[count]-'0')
		count++
	}
	return n, text[count:], count
}

// parseTimestamp reads 'YYYY-MM-DD[ T]HH:MM[:SS[.f…]][Z|±HH[[:]MM[:SS]]| UTC]'; a date alone is its midnight. Digits
// beyond microseconds are cut, as DuckDB does. With a zone the result is the instant in UTC, else the wall clock.
func parseTimestamp(text []byte) (micros int64, z zone, ok bool) {
	days, rest, ok := parseDate(text)
	if !ok {
		return 0, noZone, false
	}
	micros = days * microsDay
	if len(bytes.TrimRight(rest, " \t\n\v\f\r")) == 0 {
		return micros, noZone, true
	}
	if rest[0] != ' ' && rest[0] != 'T' {
		return 0, noZone, false
	}
	clock, rest, seconds, ok := parseClock(bytes.TrimLeft(rest[1:], " "))
	if !ok {
		return 0, noZone, false
	}
	micros += clock
	if len(rest) > 0 && seconds {
		switch rest[0] {
		case 'Z':
			z, rest = withZone, rest[1:]
		case '+', '-':
			var offset int64
			if offset, rest, ok = parseOffset(rest); !ok {
				return 0, noZone, false
			}
			micros -= offset
			z = withZone
		default:
			if after, found := bytes.CutPrefix(rest, []byte(" UTC")); found {
				z, rest = withZone, after
			}
		}
	}
	if len(bytes.TrimRight(rest, " \t\n\v\f\r")) > 0 {
		return 0, noZone, false
	}
	return micros, z, true
}

func parseClock(text []byte) (micros int64, rest []byte, seconds, ok bool) {
	hour, text, n := digitsOf(text, 2)
	if n == 0 || len(text) == 0 || text[0] != ':' {
		return 0, nil, false, false
	}
	minute, text, n := digitsOf(text[1:], 2)
	if n == 0 {
		return 0, nil, false, false
	}
	var second, fraction int64
	if len(text) > 0 && text[0] == ':' {
		if second, text, n = digitsOf(text[1:], 2); n == 0 {
			return 0, nil, false, false
		}
		seconds = true
		if len(text) > 0 && text[0] == '.' {
			text = text[1:]
			unit := int64(100_000)
			for len(text) > 0 && isDigit(text[0]) {
				fraction += int64(text[0]-'0') * unit
				unit /= 10
				text = text[1:]
			}
		}
	}
	if minute > 59 || second > 59 || hour > 24 || hour == 24 && (minute|second|fraction) != 0 {
		return 0, nil, false, false
	}
	return ((hour*60+minute)*60+second)*microsSecond + fraction, text, seconds, true
}

// parseOffset reads ±HH[[:]MM[:SS]].
func parseOffset(text []byte) (micros int64, rest []byte, ok bool) {
	sign := int64(1)
	if text[0] == '-' {
		sign = -1
	}
	hours, text, n := digitsOf(text[1:], 2)
	if n != 2 {
		return 0, nil, false
	}
	var minutes, seconds int64
	if len(text) > 0 && text[0] == ':' {
		if minutes, text, n = digitsOf(text[1:], 2); n != 2 {
			return 0, nil, false
		}
		if len(text) > 0 && text[0] == ':' {
			if seconds, text, n = digitsOf(text[1:], 2); n != 2 {
				return 0, nil, false
			}
		}
	} else if len(text) > 0 && isDigit(text[0]) {
		if minutes, text, n = digitsOf(text, 2); n != 2 {
			return 0, nil, false
		}
	}
	if minutes > 59 || seconds > 59 {
		return 0, nil, false
	}
	return sign * ((hours*60+minutes)*60 + seconds) * microsSecond, text, true
}

// wall moves an instant to the wall clock of loc, instant the other way. A wall clock that a change to summer time
// skips, or has twice, is placed as time.Date does.
func wall(micros int64, loc *time.Location) int64 {
	if loc == nil || loc == time.UTC {
		return micros
	}
	_, offset := time.UnixMicro(micros).In(loc).Zone()
	return micros + int64(offset)*microsSecond
}

func instant(micros int64, loc *time.Location) int64 {
	if loc == nil || loc == time.UTC {
		return micros
	}
	days := floorDiv(micros, microsDay)
	y, m, d := civil(days)
	clock := micros - days*microsDay
	t := time.Date(int(y), time.Month(m), int(d), 0, 0, int(clock/microsSecond), 0, loc)
	return t.UnixMicro() + clock%microsSecond
}

// appendPadded writes n with zeros in front up to width digits.
func appendPadded(dst []byte, n int64, width int) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	var digits [20]byte
	i := len(digits)
	for n > 0 || len(digits)-i < width {
		i--
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, digits[i:]...)
}

func appendDate(dst []byte, days int64) []byte {
	y, m, d := civil(days)
	before := y <= 0
	if before {
		y = 1 - y
	}
	dst = appendPadded(dst, y, 4)
	dst = append(dst, '-')
	dst = appendPadded(dst, m, 2)
	dst = append(dst, '-')
	dst = appendPadded(dst, d, 2)
	if before {
		dst = append(dst, " (BC)"...)
	}
	return dst
}

// appendTimestamp writes a wall clock as DuckDB does, the fraction without its trailing zeros.
func appendTimestamp(dst []byte, micros int64) []byte {
	days := floorDiv(micros, microsDay)
	clock := micros - days*microsDay
	dst = appendDate(dst, days)
	dst = append(dst, ' ')
	seconds := clock / microsSecond
	dst = appendPadded(dst, seconds/3600, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, seconds/60%60, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, seconds%60, 2)
	if fraction := clock % microsSecond; fraction > 0 {
		width := 6
		for fraction%10 == 0 {
			fraction /= 10
			width--
		}
		dst = append(dst, '.')
		dst = appendPadded(dst, fraction, width)
	}
	return dst
}

func appendTimestampTZ(dst []byte, micros int64, loc *time.Location) []byte {
	local := wall(micros, loc)
	dst = appendTimestamp(dst, local)
	offset := (local - micros) / microsSecond
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = append(dst, sign)
	dst = appendPadded(dst, offset/3600, 2)
	if offset%3600 != 0 {
		dst = append(dst, ':')
		dst = appendPadded(dst, offset/60%60, 2)
	}
	return dst
}
