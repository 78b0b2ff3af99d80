package oracle

import (
	"fmt"
	"math/big"
	"sort"
	"strings"
)

const day = 24 * 3600 * 1_000_000

// kept is a distinct in-time event.
type kept struct {
	Record
	behind int64 // b − t
}

// Compute answers for the log: records in the order in which each source partition holds them.
func Compute(spec Spec, log []Record) Answer {
	answer := Answer{Cells: map[Key]*Cell{}, Exposed: map[Key]int64{}, Epochs: map[Key]map[int]int64{}, Ledger: map[[2]string]EventLedger{}, Crossovers: map[string]int64{}}
	subjects, late, duplicate := distinct(spec, log)
	var names []string
	for name := range subjects {
		names = append(names, name)
	}
	sort.Strings(names)
	end := newestOf(spec, subjects)
	for _, e := range spec.Experiments {
		for _, def := range spec.Events {
			answer.Ledger[[2]string{e.ID, def.ID}] = EventLedger{Late: late[def.ID], Duplicate: duplicate[def.ID]}
		}
		for _, name := range names {
			subject(&answer, e, subjects[name], completeness(spec, e, end, name))
		}
	}
	return answer
}

// distinct applies lateness and identity.
func distinct(spec Spec, log []Record) (subjects map[string][]kept, late, duplicate map[string]int64) {
	subjects, late, duplicate = map[string][]kept{}, map[string]int64{}, map[string]int64{}
	defs := map[string]EventDef{}
	for _, d := range spec.Events {
		defs[d.ID] = d
	}
	bound := map[string]int64{}
	seen := map[string]bool{}
	read := map[string]bool{}
	for _, r := range log {
		partition := fmt.Sprintf("%s/%d", r.Source, r.Partition)
		if b, ok := bound[partition]; !ok || r.Timestamp > b {
			bound[partition] = r.Timestamp
		}
		at := fmt.Sprintf("%s/%d/%s", partition, r.Offset, r.Def)
		if read[at] {
			continue // the same record delivered again
		}
		read[at] = true
		def := defs[r.Def]
		behind := bound[partition] - r.Time
		allowed := def.Lateness
		if def.OnlyExposure && allowed >= 0 {
			widest := int64(0)
			for _, e := range spec.Experiments {
				if e.Exposure == def.ID {
					widest = max(widest, e.Lateness)
				}
			}
			allowed = min(allowed, widest)
		}
		if allowed < 0 {
			behind = 0
		} else if behind > allowed {
			late[r.Def]++
			continue
		}
		if r.HasID {
			id := r.Def + "\x00" + r.Subject + "\x00" + r.ID
			if seen[id] {
				duplicate[r.Def]++
				continue
			}
			seen[id] = true
		}
		subjects[r.Subject] = append(subjects[r.Subject], kept{r, behind})
	}
	return subjects, late, duplicate
}

// before is the order of events: time, then those that have an id by it, then the others by coordinates.
func before(a, b kept) bool {
	if a.Time != b.Time {
		return a.Time < b.Time
	}
	if a.HasID || b.HasID {
		return a.HasID && (!b.HasID || a.ID < b.ID)
	}
	if a.Source != b.Source {
		return a.Source < b.Source
	}
	if a.Partition != b.Partition {
		return a.Partition < b.Partition
	}
	return a.Offset < b.Offset
}

// describes says whether the experiment takes a dimension from the profile event def: all its rows count then.
func describes(e Experiment, def string) bool {
	for _, d := range e.Dimensions {
		if d.Kind == Profile && d.Of == def {
			return true
		}
	}
	return false
}

func subject(answer *Answer, e Experiment, events []kept, complete func(m Metric, t0 int64) bool) {
	count := func(def string, f func(*EventLedger)) {
		key := [2]string{e.ID, def}
		l := answer.Ledger[key]
		l.Accepted++
		if describes(e, def) {
			l.Counted++
		} else {
			f(&l)
		}
		answer.Ledger[key] = l
	}
	stop := e.Stop
	if stop == 0 {
		stop = 1 << 62
	}
	valid := func(x kept) bool {
		return x.Def == e.Exposure && (e.Where == nil || e.Where(x.Record)) && contains(e.Variants, x.Variant) &&
			e.Start <= x.Time && x.Time < stop && x.behind <= e.Lateness
	}
	var first *kept
	variants := map[string]bool{}
	for i, x := range events {
		if !valid(x) {
			continue
		}
		variants[x.Variant] = true
		if first == nil || before(x, *first) {
			first = &events[i]
		}
	}
	crossed := len(variants) > 1
	if crossed {
		answer.Crossovers[e.ID]++
	}
	if first == nil || crossed && !e.First {
		for _, x := range events {
			count(x.Def, func(l *EventLedger) {
				if first == nil && x.Def != e.Exposure {
					l.Unexposed++
				} else {
					l.Outside++
				}
			})
		}
		return
	}
	t0 := first.Time
	counted := make([]bool, len(events))
	for i, x := range events {
		counted[i] = valid(x)
	}
	own := map[string]string{}
	for _, d := range e.Dimensions {
		switch d.Kind {
		case Exposure:
			own[d.Name] = shown(first.Fields, d.Name)
		case Profile:
			own[d.Name] = profile(events, d, t0)
		}
	}
	for mask := 0; mask < 1<<len(e.Dimensions); mask++ {
		var fixedEvent []Dimension
		for i, d := range e.Dimensions {
			if mask>>i&1 == 1 && d.Kind == Event {
				fixedEvent = append(fixedEvent, d)
			}
		}
		slice := func(values map[string]string) string {
			var parts []string
			for i, d := range e.Dimensions {
				if mask>>i&1 == 0 {
					continue
				}
				v := own[d.Name]
				if d.Kind == Event {
					v = values[d.Name]
				}
				parts = append(parts, d.Name+"="+v)
			}
			return strings.Join(parts, "&")
		}
		if len(fixedEvent) == 0 {
			key, steps := Key{e.ID, first.Variant, slice(nil), ""}, 0
			for _, from := range e.Ramp {
				if from <= t0 {
					steps++
				}
			}
			answer.Exposed[key]++
			if answer.Epochs[key] == nil {
				answer.Epochs[key] = map[int]int64{}
			}
			answer.Epochs[key][steps]++
		}
		for _, m := range e.Metrics {
			num, den := counting(e, m, events, t0, stop)
			for i := range events {
				counted[i] = counted[i] || num[i] || den[i]
			}
			if m.Strict && !complete(m, t0) {
				continue
			}
			if len(fixedEvent) == 0 {
				add(answer, Key{e.ID, first.Variant, slice(nil), m.ID}, m, events, num, den, prePeriod(e, t0, m, events, nil))
				continue
			}
			for _, values := range places(m, events, fixedEvent, t0, stop) {
				here := func(x kept) bool {
					for _, d := range fixedEvent {
						if shown(x.Fields, d.Name) != values[d.Name] {
							return false
						}
					}
					return true
				}
				n, d := make([]bool, len(events)), make([]bool, len(events))
				for i, x := range events {
					n[i], d[i] = num[i] && here(x), den[i] && here(x)
				}
				add(answer, Key{e.ID, first.Variant, slice(values), m.ID}, m, events, n, d, prePeriod(e, t0, m, events, here))
			}
		}
	}
	for i, x := range events {
		count(x.Def, func(l *EventLedger) {
			switch {
			case counted[i]:
				l.Counted++
			case x.Time < t0 && x.Def != e.Exposure:
				l.Unexposed++
			default:
				l.Outside++
			}
		})
	}
}

// counting says which events count for a metric's numerator and denominator in the whole.
func counting(e Experiment, m Metric, events []kept, t0, stop int64) (num, den []bool) {
	num, den = make([]bool, len(events)), make([]bool, len(events))
	in := func(x kept, t Term) bool {
		if x.Def != t.Event || x.Time < t0 || x.Time >= stop || t.Where != nil && !t.Where(x.Record) {
			return false
		}
		if _, ok := x.Fields[t.Value]; !ok && t.Value != "" {
			return false
		}
		return m.Ordered || m.Window == 0 || x.Time < t0+m.Window
	}
	for i, x := range events {
		if m.Denominator != nil {
			den[i] = in(x, *m.Denominator)
		}
	}
	for i, x := range events {
		if !in(x, m.Numerator) {
			continue
		}
		num[i] = !m.Ordered
		for j, d := range events {
			if m.Ordered && den[j] && d.Time <= x.Time && (m.Window == 0 || x.Time < d.Time+m.Window) {
				num[i] = true
			}
		}
	}
	return num, den
}

// places are the distinct values of the event dimensions where an event that the metric reads falls.
func places(m Metric, events []kept, dims []Dimension, t0, stop int64) []map[string]string {
	var out []map[string]string
	known := map[string]bool{}
	for _, x := range events {
		reads := x.Def == m.Numerator.Event || m.Denominator != nil && x.Def == m.Denominator.Event
		if !reads || x.Time < t0 || x.Time >= stop || m.Strict && x.Time >= t0+m.Window {
			continue
		}
		values, name := map[string]string{}, ""
		for _, d := range dims {
			values[d.Name] = shown(x.Fields, d.Name)
			name += values[d.Name] + "\x00"
		}
		if !known[name] {
			known[name] = true
			out = append(out, values)
		}
	}
	return out
}

// prePeriod says which events are in the numerator's and denominator's pre-period.
func prePeriod(e Experiment, t0 int64, m Metric, events []kept, here func(kept) bool) *big.Int {
	if e.PrePeriod == 0 {
		return nil
	}
	from := t0 - mod(t0, day) - e.PrePeriod
	in := make([]bool, len(events))
	for i, x := range events {
		t := m.Numerator
		_, ok := x.Fields[t.Value]
		in[i] = x.Def == t.Event && from <= x.Time && x.Time < t0 && (t.Where == nil || t.Where(x.Record)) && (ok || t.Value == "") && (here == nil || here(x))
	}
	return capped(m, aggregate(m.Numerator, m.NumScale, events, in))
}

// capped is a subject's numerator total as the metric counts it.
func capped(m Metric, total *big.Int) *big.Int {
	switch {
	case m.CapLower != nil && total.Cmp(m.CapLower) < 0:
		return m.CapLower
	case m.CapUpper != nil && total.Cmp(m.CapUpper) > 0:
		return m.CapUpper
	}
	return total
}

func add(answer *Answer, key Key, m Metric, events []kept, num, den []bool, pre *big.Int) {
	if m.ExcludeNone && !any(num) && !any(den) {
		return
	}
	x, y := big.NewInt(0), big.NewInt(1)
	var values []*big.Int
	if m.Quantile {
		values, pre = valuesOf(m, events, num), nil
		y = big.NewInt(int64(len(values)))
		for _, v := range values {
			if v.Cmp(lastOfBin(m.Cut)) <= 0 {
				x.Add(x, big.NewInt(1))
			}
		}
	} else {
		x = capped(m, aggregate(m.Numerator, m.NumScale, events, num))
	}
	if m.Across {
		pre = nil
	}
	if m.Denominator != nil {
		y = aggregate(*m.Denominator, m.DenScale, events, den)
	}
	c := answer.Cells[key]
	if c == nil {
		z := func() *big.Int { return new(big.Int) }
		c = &Cell{Num: z(), Den: z(), Num2: z(), Den2: z(), NumDen: z(), Pre: z(), Pre2: z(), NumPre: z(), DenPre: z()}
		answer.Cells[key] = c
	}
	c.N++
	c.Values = append(c.Values, values...)
	if m.Across {
		set := map[string]bool{}
		for i, x := range events {
			if num[i] {
				set[x.Fields[m.Numerator.Value]] = true
			}
		}
		c.Sets = append(c.Sets, set)
	}
	sum := func(to *big.Int, factors ...*big.Int) {
		p := big.NewInt(1)
		for _, f := range factors {
			p.Mul(p, f)
		}
		to.Add(to, p)
	}
	sum(c.Num, x)
	sum(c.Den, y)
	sum(c.Num2, x, x)
	sum(c.Den2, y, y)
	sum(c.NumDen, x, y)
	if pre != nil {
		sum(c.Pre, pre)
		sum(c.Pre2, pre, pre)
		sum(c.NumPre, x, pre)
		sum(c.DenPre, y, pre)
	}
}

// valuesOf are the values of a quantile metric's events.
func valuesOf(m Metric, events []kept, in []bool) (values []*big.Int) {
	for i, x := range events {
		if in[i] {
			values = append(values, Scaled(x.Fields[m.Numerator.Value], m.ValueScale))
		}
	}
	return values
}

// lastOfBin is the largest value that begins with the same 8 binary digits as v, which is not negative, and has as many.
func lastOfBin(v *big.Int) *big.Int {
	rest := uint(max(0, v.BitLen()-8))
	last := new(big.Int).Rsh(v, rest)
	last.Add(last, big.NewInt(1)).Lsh(last, rest)
	return last.Sub(last, big.NewInt(1))
}

func aggregate(t Term, scale int, events []kept, in []bool) *big.Int {
	var values []string
	for i, x := range events {
		if in[i] {
			values = append(values, x.Fields[t.Value])
		}
	}
	total := new(big.Int)
	switch t.Agg {
	case "COUNT":
		return total.SetInt64(int64(len(values)))
	case "EXISTS":
		return total.SetInt64(int64(min(len(values), 1)))
	case "COUNT_DISTINCT":
		set := map[string]bool{}
		for _, v := range values {
			set[v] = true
		}
		return total.SetInt64(int64(len(set)))
	}
	for i, v := range values {
		x := Scaled(v, scale)
		switch {
		case t.Agg == "SUM":
			total.Add(total, x)
		case i == 0, t.Agg == "MAX" && x.Cmp(total) > 0, t.Agg == "MIN" && x.Cmp(total) < 0:
			total = x
		}
	}
	return total
}

// Scaled is the decimal text times 10^scale, rounded half away from zero.
func Scaled(text string, scale int) *big.Int {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("oracle: not a number: " + text)
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	negative := r.Sign() < 0
	r.Abs(r).Add(r, big.NewRat(1, 2))
	q := new(big.Int).Quo(r.Num(), r.Denom())
	if negative {
		q.Neg(q)
	}
	return q
}

func profile(events []kept, d Dimension, t0 int64) string {
	var last *kept
	for i, x := range events {
		if x.Def == d.Of && x.Time <= t0 && (last == nil || before(*last, x)) {
			last = &events[i]
		}
	}
	if last == nil {
		return "(none)"
	}
	return shown(last.Fields, d.Name)
}

func shown(fields map[string]string, name string) string {
	v, ok := fields[name]
	if !ok {
		return "(none)"
	}
	return v
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func any(list []bool) bool {
	for _, x := range list {
		if x {
			return true
		}
	}
	return false
}
