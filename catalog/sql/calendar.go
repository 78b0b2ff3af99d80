package sql

import "strings"

// part of a time for EXTRACT and DATE_TRUNC.
type part uint8

const (
	partYear part = iota
	partQuarter
	partMonth
	partWeek
	partDay
	partHour
	partMinute
	partSecond
	partMillisecond
	partMicrosecond
	partDow
	partIsodow
	partDoy
	partIsoyear
	partDecade
	partCentury
	partEpoch
)

var parts = map[string]part{
	"year": partYear, "years": partYear, "y": partYear, "quarter": partQuarter, "month": partMonth, "months": partMonth,
	"week": partWeek, "weeks": partWeek, "day": partDay, "days": partDay, "d": partDay, "hour": partHour, "hours": partHour,
	"h": partHour, "minute": partMinute, "minutes": partMinute, "m": partMinute, "second": partSecond, "seconds": partSecond,
	"s": partSecond, "millisecond": partMillisecond, "milliseconds": partMillisecond, "ms": partMillisecond,
	"microsecond": partMicrosecond, "microseconds": partMicrosecond, "us": partMicrosecond, "dow": partDow,
	"dayofweek": partDow, "weekday": partDow, "isodow": partIsodow, "doy": partDoy, "dayofyear": partDoy,
	"isoyear": partIsoyear, "decade": partDecade, "century": partCentury, "epoch": partEpoch,
}

const partList = "parts: year, quarter, month, week, day, hour, minute, second, millisecond, microsecond, dow, isodow, doy, isoyear, epoch"

func partNamed(name string) (part, bool) {
	p, ok := parts[strings.ToLower(name)]
	return p, ok
}

var partNames = []string{"year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond",
	"dow", "isodow", "doy", "isoyear", "decade", "century", "epoch"}

// truncates says whether DATE_TRUNC takes the part.
func (p part) truncates() bool { return p <= partMicrosecond || p == partDecade || p == partCentury }

// daily says that DATE_TRUNC to the part gives a DATE.
func (p part) daily() bool { return p <= partDay || p == partDecade || p == partCentury }

// extract gives a part of a wall clock; epoch is not among them.
func (p part) extract(micros int64) int64 {
	days := floorDiv(micros, microsDay)
	clock := micros - days*microsDay
	switch p {
	case partHour:
		return clock / (3600 * microsSecond)
	case partMinute:
		return clock / (60 * microsSecond) % 60
	case partSecond:
		return clock / microsSecond % 60
	case partMillisecond:
		return clock % (60 * microsSecond) / 1000
	case partMicrosecond:
		return clock % (60 * microsSecond)
	case partDow:
		return isoWeekday(days) % 7
	case partIsodow:
		return isoWeekday(days)
	case partWeek:
		_, week := isoWeek(days)
		return week
	case partIsoyear:
		year, _ := isoWeek(days)
		return year
	}
	y, m, d := civil(days)
	switch p {
	case partYear:
		return y
	case partQuarter:
		return (m-1)/3 + 1
	case partMonth:
		return m
	case partDay:
		return d
	case partDoy:
		return days - daysOf(y, 1, 1) + 1
	case partDecade:
		return y / 10
	case partCentury:
		if y > 0 {
			return (y-1)/100 + 1
		}
		return y/100 - 1
	}
	return 0
}

// isoWeekday is 1 for Monday to 7 for Sunday; 1970-01-01 was a Thursday.
func isoWeekday(days int64) int64 { return days + 3 - floorDiv(days+3, 7)*7 + 1 }

// isoWeek: a week belongs to the year of its Thursday (ISO 8601).
func isoWeek(days int64) (year, week int64) {
	thursday := days - isoWeekday(days) + 4
	year, _, _ = civil(thursday)
	return year, (thursday-daysOf(year, 1, 1))/7 + 1
}

// truncate cuts a wall clock to the beginning of its part.
func (p part) truncate(micros int64) int64 {
	unit := int64(0)
	switch p {
	case partMicrosecond:
		return micros
	case partMillisecond:
		unit = 1000
	case partSecond:
		unit = microsSecond
	case partMinute:
		unit = 60 * microsSecond
	case partHour:
		unit = 3600 * microsSecond
	case partDay:
		unit = microsDay
	}
	if unit > 0 {
		return floorDiv(micros, unit) * unit
	}
	days := floorDiv(micros, microsDay)
	if p == partWeek {
		return (days - isoWeekday(days) + 1) * microsDay
	}
	y, m, _ := civil(days)
	switch p {
	case partMonth:
	case partQuarter:
		m = (m-1)/3*3 + 1
	case partDecade:
		y, m = y/10*10, 1
	case partCentury:
		y, m = y/100*100, 1
	default:
		m = 1
	}
	return daysOf(y, m, 1) * microsDay
}
