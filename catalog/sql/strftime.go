package sql

import "time"

// formats are the specifiers of STRFTIME.
var formats = map[byte]func(dst []byte, micros int64) []byte{
	'%': func(dst []byte, _ int64) []byte { return append(dst, '%') },
	'Y': func(dst []byte, t int64) []byte { return appendPadded(dst, partYear.extract(t), 1) },
	'y': func(dst []byte, t int64) []byte {
		return appendPadded(dst, max(partYear.extract(t)%100, -partYear.extract(t)%100), 2)
	},
	'm': func(dst []byte, t int64) []byte { return appendPadded(dst, partMonth.extract(t), 2) },
	'd': func(dst []byte, t int64) []byte { return appendPadded(dst, partDay.extract(t), 2) },
	'H': func(dst []byte, t int64) []byte { return appendPadded(dst, partHour.extract(t), 2) },
	'I': func(dst []byte, t int64) []byte { return appendPadded(dst, (partHour.extract(t)+11)%12+1, 2) },
	'M': func(dst []byte, t int64) []byte { return appendPadded(dst, partMinute.extract(t), 2) },
	'S': func(dst []byte, t int64) []byte { return appendPadded(dst, partSecond.extract(t), 2) },
	'f': func(dst []byte, t int64) []byte { return appendPadded(dst, partMicrosecond.extract(t)%microsSecond, 6) },
	'g': func(dst []byte, t int64) []byte { return appendPadded(dst, partMillisecond.extract(t)%1000, 3) },
	'j': func(dst []byte, t int64) []byte { return appendPadded(dst, partDoy.extract(t), 3) },
	'p': func(dst []byte, t int64) []byte {
		if partHour.extract(t) < 12 {
			return append(dst, "AM"...)
		}
		return append(dst, "PM"...)
	},
	'A': func(dst []byte, t int64) []byte { return append(dst, weekday(t)...) },
	'a': func(dst []byte, t int64) []byte { return append(dst, weekday(t)[:3]...) },
	'B': func(dst []byte, t int64) []byte { return append(dst, monthName(t)...) },
	'b': func(dst []byte, t int64) []byte { return append(dst, monthName(t)[:3]...) },
}

func weekday(micros int64) string { return time.Weekday(partDow.extract(micros)).String() }

func monthName(micros int64) string { return time.Month(partMonth.extract(micros)).String() }

func prepareFormat(e *expr) func(*frame, []Value, *Value) bool {
	format := e.args[1].value.Text
	return func(f *frame, args []Value, out *Value) bool {
		micros := f.clock(&args[0])
		start := len(f.arena)
		for i := 0; i < len(format); i++ {
			if format[i] != '%' {
				f.arena = append(f.arena, format[i])
				continue
			}
			i++
			f.arena = formats[format[i]](f.arena, micros)
		}
		return f.made(start, out)
	}
}
