package results

import (
	"maps"
	"slices"
	"strings"
)

// WholeKey is the SliceKey of the whole.
const WholeKey = "all"

// Key names the row within its experiment: metric/slice/variant, each escaped, as in the key of the results topic.
func (r *Row) Key() string {
	if r.key != "" {
		return r.key
	}
	return rowKey(r.Metric, r.Slice, r.Variant)
}

func rowKey(metric string, slice map[string]string, variant string) string {
	return escapeKey(metric) + "/" + SliceKey(slice) + "/" + escapeKey(variant)
}

// SliceKey writes a slice as dimension=value,dimension=value in the order of the names; the whole is WholeKey.
func SliceKey(slice map[string]string) string {
	if len(slice) == 0 {
		return WholeKey
	}
	return strings.Join(sliceParts(slice, escapeKey), ",")
}

func sliceTexts(slice map[string]string) []string {
	return sliceParts(slice, func(s string) string { return s })
}

func sliceParts(slice map[string]string, write func(string) string) []string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(slice)) {
		parts = append(parts, write(name)+"="+write(slice[name]))
	}
	return parts
}

// escapeKey percent-encodes the characters that have a meaning in keys, and control characters.
func escapeKey(s string) string {
	special := func(c byte) bool { return c == '/' || c == ',' || c == '=' || c == '%' || c < 0x20 || c == 0x7f }
	n := 0
	for i := range len(s) {
		if special(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; special(c) {
			out = append(out, '%', hex[c>>4], hex[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

// compare returns the indexes of next's rows that are not in prev with the same content, and the keys of prev's rows
// that next has not. prev may be nil.
func compare(prev, next *Result) (changed []int, removed []string) {
	if prev == nil {
		for i := range next.Rows {
			changed = append(changed, i)
		}
		return changed, nil
	}
	var at map[string]int // of prev's rows; built when the two orders part
	index := func() {
		at = make(map[string]int, len(prev.Rows))
		for i := range prev.Rows {
			at[prev.Rows[i].Key()] = i
		}
	}
	aligned := len(prev.Rows) == len(next.Rows)
	for i := range next.Rows {
		n := &next.Rows[i]
		j := i
		if j >= len(prev.Rows) || prev.Rows[j].Key() != n.Key() {
			if at == nil {
				index()
			}
			aligned = false
			k, ok := at[n.Key()]
			if !ok {
				changed = append(changed, i)
				continue
			}
			j = k
		}
		if !n.Equal(&prev.Rows[j]) {
			changed = append(changed, i)
		}
	}
	if aligned {
		return changed, nil
	}
	has := make(map[string]struct{}, len(next.Rows))
	for i := range next.Rows {
		has[next.Rows[i].Key()] = struct{}{}
	}
	for i := range prev.Rows {
		if _, ok := has[prev.Rows[i].Key()]; !ok {
			removed = append(removed, prev.Rows[i].Key())
		}
	}
	slices.Sort(removed)
	return changed, removed
}

// Equal says whether two rows have the same content.
func (r *Row) Equal(o *Row) bool {
	if r.same != nil && r.same == o.same {
		return true // both came from one evaluation
	}
	return r.Metric == o.Metric && r.Definition == o.Definition && r.Role == o.Role && r.Variant == o.Variant && r.Control == o.Control &&
		r.State == o.State && r.Format == o.Format && r.Direction == o.Direction && maps.Equal(r.Slice, o.Slice) && maps.EqualFunc(r.ByVariant, o.ByVariant, equalArm) &&
		equalDifference(&r.Difference, &o.Difference) &&
		equalFloat(r.Welch.T, o.Welch.T) && equalFloat(r.Welch.DF, o.Welch.DF) && equalFloat(r.Welch.P, o.Welch.P) && equalInterval(r.Welch.Interval, o.Welch.Interval) &&
		equalLift(&r.Lift, &o.Lift) &&
		equalCUPED(r.CUPED, o.CUPED) && equalPointerFunc(r.Guardrail, o.Guardrail, equalGuardrail) && equalTuning(r.Tuning, o.Tuning) && slices.Equal(r.Reasons, o.Reasons) &&
		r.Alpha == o.Alpha && r.AlphaAlways == o.AlphaAlways && equalFloat(r.PAdjusted, o.PAdjusted) && equalFloat(r.Q, o.Q) && equalPointerFunc(r.Stratified, o.Stratified, equalDifference) &&
		equalPointerFunc(r.Power, o.Power, equalPower) && slices.EqualFunc(r.Warnings, o.Warnings, equalWarning) &&
		equalClip(r.Clip, o.Clip) && r.Quantile == o.Quantile && r.Across == o.Across
}

func equalArm(a, b Arm) bool {
	av, bv, as, bs, ak, bk := a.Value, b.Value, a.SE, b.SE, a.SketchError, b.SketchError
	a.Value, b.Value, a.SE, b.SE, a.SketchError, b.SketchError = nil, nil, nil, nil, nil, nil
	return a == b && equalFloat(av, bv) && equalFloat(as, bs) && equalFloat(ak, bk)
}

func equalDifference(a, b *Difference) bool {
	return equalFloat(a.Value, b.Value) && equalFloat(a.SE, b.SE) && equalFloat(a.SEAlways, b.SEAlways) && equalFloat(a.Z, b.Z) && equalFloat(a.P, b.P) &&
		equalInterval(a.Interval, b.Interval) && equalFloat(a.PAlways, b.PAlways) && equalInterval(a.IntervalAlways, b.IntervalAlways)
}

func equalCUPED(a, b *CUPED) bool {
	if a == nil || b == nil {
		return a == b
	}
	return equalFloat(a.Theta, b.Theta) && equalDifference(&a.Difference, &b.Difference) && equalPointerFunc(a.Lift, b.Lift, equalLift)
}

func equalLift(a, b *Lift) bool {
	return equalFloat(a.Value, b.Value) && equalInterval(a.Interval, b.Interval) && equalInterval(a.IntervalAlways, b.IntervalAlways) && a.Method == b.Method
}

func equalGuardrail(a, b *Guardrail) bool {
	return a.Limit == b.Limit && a.Unit == b.Unit && a.State == b.State && equalPointerFunc(a.NonInferiority, b.NonInferiority, func(a, b *NonInferiority) bool {
		return a.Verdict == b.Verdict && equalFloat(a.Z, b.Z) && equalFloat(a.P, b.P) && equalFloat(a.PAlways, b.PAlways) && equalFloat(a.Bound, b.Bound) && equalFloat(a.BoundAlways, b.BoundAlways)
	})
}

func equalPower(a, b *Power) bool {
	return equalFloat(a.MDE, b.MDE) && equalFloat(a.MDELift, b.MDELift) && equalFloat(a.MDEFixed, b.MDEFixed) && equalFloat(a.MDEFixedLift, b.MDEFixedLift) &&
		equalFloat(a.Lift, b.Lift) && equalPointer(a.Subjects, b.Subjects)
}

func equalTuning(a, b *Tuning) bool {
	if a == nil || b == nil {
		return a == b
	}
	if (a.Set == nil) != (b.Set == nil) || a.Set != nil && !a.Set.Equal(*b.Set) {
		return false
	}
	x, y := *a, *b
	x.Set, y.Set, x.Final, y.Final = nil, nil, nil, nil
	return x == y && equalPointerFunc(a.Final, b.Final, equalFinal)
}

func equalFinal(a, b *Final) bool {
	if (a.Set == nil) != (b.Set == nil) || a.Set != nil && !a.Set.Equal(*b.Set) {
		return false
	}
	return a.Rejected == b.Rejected && equalFloat(a.Value, b.Value) && equalFloat(a.P, b.P) && equalInterval(a.Interval, b.Interval)
}

func equalFloat(a, b *float64) bool { return equalPointer(a, b) }

func equalInterval(a, b Interval) bool { return equalPointer((*[2]float64)(a), (*[2]float64)(b)) }

func equalPointer[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func equalPointerFunc[T any](a, b *T, equal func(a, b *T) bool) bool {
	if a == nil || b == nil {
		return a == b
	}
	return equal(a, b)
}

func compareText(a, b string) int { return strings.Compare(a, b) }
