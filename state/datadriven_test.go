package state

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/stats/moment"
)

// scenario is one file of testdata: definitions, events and what they do, in the words of DESIGN §5.
//
//	define                 YAML definitions; opens a store for their only subject type; ids-with-subjects: without an index of ids
//	apply                  one event a line: EVENT SUBJECT TIME [at=TIME] [id=ID] [column=value …]; prints what changes
//	cells                  every cell: n, Σ numerator, Σ denominator
//	ledger                 the ledger
//	inspect SUBJECT        the subject's record
//	reopen                 commits, closes and opens the store
//	days from=N to=N       the cells of days alone
//	rows                   the bytes of all committed rows but those about the store itself
//
// Times are hours and minutes of 2026-03-02, or Nd15:04 N days later; at is the Kafka timestamp, by default the time.
type scenario struct {
	t     *testing.T
	plan  *catalog.Plan
	fs    vfs.FS
	ids   int64 // Options.IDBytes
	store *Store
	cube  *persistedCube
	// bound and next are b and the next offset of each source's only input; last gathers changes.
	bound, next []int64
	last        []moment.Change
}

var day0 = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixMicro()

func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		s := &scenario{t: t, fs: vfs.NewMem()}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t = t
			out, err := s.run(d)
			if err != nil {
				return "error: " + err.Error() + "\n"
			}
			return out
		})
		if s.store != nil {
			if err := s.store.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func (s *scenario) run(d *datadriven.TestData) (string, error) {
	switch d.Cmd {
	case "define":
		s.plan = catalogtest.Plan(s.t, d.Input)
		s.bound, s.next = make([]int64, len(s.plan.Sources)), make([]int64, len(s.plan.Sources))
		for i := range s.bound {
			s.bound[i] = never
		}
		s.cube = newPersistedCube()
		if d.HasArg("ids-with-subjects") {
			s.ids = -1
		}
		return "", s.open()
	case "apply":
		return s.apply(d.Input)
	case "cells":
		return s.cells(s.cube.cells), nil
	case "ledger":
		var b strings.Builder
		p := &printer{w: bufio.NewWriter(&b), store: s.store}
		p.ledger()
		p.w.Flush()
		return b.String(), s.store.Ledger().Check(s.store.eventSources())
	case "inspect":
		var b strings.Builder
		err := s.store.Inspect(context.Background(), &b, []byte(d.CmdArgs[0].Key))
		return b.String(), err
	case "reopen":
		if err := s.store.Commit(s.cube.persist); err != nil {
			return "", err
		}
		if err := s.store.Verify(context.Background(), nil); err != nil {
			return "", err
		}
		if err := s.store.Durable(); err != nil {
			return "", err
		}
		if err := s.store.Close(); err != nil {
			return "", err
		}
		return "", s.open()
	case "rows":
		var b strings.Builder
		err := s.store.scan(context.Background(), []byte{prefixDictionary}, nil, func(key, value []byte) error {
			if key[0] != prefixMeta {
				fmt.Fprintf(&b, "%x\n  %x\n", key, value)
			}
			return nil
		})
		return b.String(), err
	case "days":
		var from, to int64
		d.ScanArgs(s.t, "from", &from)
		d.ScanArgs(s.t, "to", &to)
		cube := newTestCube()
		err := s.store.Range(day0+from*day, day0+to*day, cube)
		return s.cells(cube.cells), err
	}
	return "", fmt.Errorf("unknown command %s", d.Cmd)
}

func (s *scenario) open() (err error) {
	s.store, err = Open("shard", s.plan, Options{FS: s.fs, IDBytes: s.ids})
	if err != nil {
		return err
	}
	for i, src := range s.plan.Sources {
		if n, err := s.store.Input(InputName{Source: src.ID, Topic: src.ID}); err != nil || int(n) != i {
			return fmt.Errorf("input %d is %d: %w", i, n, err)
		}
	}
	return nil
}

func (s *scenario) time(text string) int64 {
	days := int64(0)
	if n, rest, ok := strings.Cut(text, "d"); ok {
		d, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			s.t.Fatalf("time %q: %v", text, err)
		}
		days, text = d, rest
	}
	layout := "15:04"
	if strings.Count(text, ":") == 2 {
		layout = "15:04:05"
	}
	at, err := time.Parse(layout, text)
	if err != nil {
		s.t.Fatalf("time %q: %v", text, err)
	}
	return day0 + days*day + int64(at.Hour())*hour + int64(at.Minute())*minute + int64(at.Second())*1_000_000
}

// Change prints what Apply reports.
func (s *scenario) Change(c moment.Change) { s.last = append(s.last, c); s.cube.Change(c) }

func (s *scenario) apply(input string) (string, error) {
	b := &Batch{Filtered: make([]int64, len(s.plan.Events))}
	for _, line := range strings.Split(strings.TrimSpace(input), "\n") {
		if err := s.event(b, strings.Fields(line)); err != nil {
			return "", fmt.Errorf("%s: %w", line, err)
		}
	}
	b.Clock = forever
	for i := range s.bound {
		b.Advance = append(b.Advance, Advance{Input: Input(i), Next: s.next[i], Bound: s.bound[i]})
		if !s.plan.Sources[i].Profile {
			b.Clock = min(b.Clock, s.bound[i])
		}
	}
	s.last = s.last[:0]
	if err := s.store.Apply(b, s); err != nil {
		return "", err
	}
	var out strings.Builder
	for _, c := range s.last {
		fmt.Fprintf(&out, "%s: %s -> %s\n", s.cellName(c.Experiment, c.Variant, c.Metric, c.Slice), point(c.Old), point(c.New))
	}
	return out.String(), nil
}

func (s *scenario) event(b *Batch, words []string) error {
	def := slices.IndexFunc(s.plan.Events, func(e catalog.PlanEvent) bool { return e.ID == words[0] })
	if def < 0 {
		return fmt.Errorf("no event %s", words[0])
	}
	p := &s.plan.Events[def]
	columns := map[string]string{}
	for _, w := range words[3:] {
		k, v, _ := strings.Cut(w, "=")
		columns[k] = v
	}
	ev := Event{Def: def, Subject: []byte(words[1]), Time: s.time(words[2]), Input: Input(p.Source), Offset: s.next[p.Source], Record: len(b.Records)}
	s.next[p.Source]++
	at := ev.Time
	if v, ok := columns["at"]; ok {
		at = s.time(v)
	}
	s.bound[p.Source] = max(s.bound[p.Source], at)
	if ev.Bound = s.bound[p.Source]; p.Profile {
		ev.Bound = never
	}
	if v, ok := columns["id"]; ok {
		ev.ID = []byte(v)
	}
	delete(columns, "at")
	ev.Content = xxh3.HashString(fmt.Sprint(columns, ev.Time))
	name := func(column int) string { return p.Query.Columns[column].Name }
	id := func(column int) uint32 {
		if v, ok := columns[name(column)]; ok {
			return s.store.ID([]byte(v))
		}
		return moment.None
	}
	for _, m := range p.Measures {
		ev.Values = append(ev.Values, s.operand(&s.plan.Measures[m], columns, name))
	}
	for _, x := range p.Exposures {
		e := &s.plan.Experiments[x]
		variant := columns[name(e.VariantColumn)]
		exposure := Exposure{Counts: true, Variant: slices.IndexFunc(e.Variants, func(v catalog.Variant) bool { return v.ID == variant })}
		for _, d := range e.Dimensions {
			if d.Kind == catalog.ExposureDimension {
				exposure.Dimensions = append(exposure.Dimensions, id(d.Column))
			}
		}
		ev.Exposures = append(ev.Exposures, exposure)
	}
	for _, column := range slices.Concat(p.Dimensions, p.ProfileColumns) {
		ev.Dimensions = append(ev.Dimensions, id(column))
	}
	for d := range s.plan.Events {
		if d != def && s.plan.Events[d].Source == p.Source {
			b.Filtered[d]++
		}
	}
	b.Records = append(b.Records, Record{Input: ev.Input, Offset: ev.Offset, Bound: ev.Bound, Timestamp: at, Value: []byte(strings.Join(words, " "))})
	b.Events = append(b.Events, ev)
	return nil
}

func (s *scenario) operand(m *catalog.Measure, columns map[string]string, name func(int) string) Operand {
	if m.Presence || m.Column < 0 {
		return Operand{Counts: true}
	}
	text, ok := columns[name(m.Column)]
	if !ok {
		return Operand{}
	}
	switch m.Agg {
	case catalog.Count, catalog.Exists:
		return Operand{Counts: true}
	case catalog.CountDistinct:
		return Operand{Counts: true, Value: int64(xxh3.HashString(text))}
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	for range m.Scale {
		v *= 10
	}
	return Operand{Counts: true, Value: v}
}

func point(p moment.Point) string {
	if p == (moment.Point{}) {
		return "out"
	}
	text := fmt.Sprintf("%d/%d", p.Num, p.Den)
	if p.Pre != 0 || p.PreDen != 0 {
		text += fmt.Sprintf(" before %d/%d", p.Pre, p.PreDen)
	}
	for flag, word := range map[moment.Flags]string{moment.Overflowed: " overflowed", moment.OpenLimit: " open_limit", moment.Approximate: " approximate"} {
		if p.Flags&flag != 0 {
			text += word
		}
	}
	return text
}

func (s *scenario) cellName(x, variant, metric int, slice moment.Slice) string {
	e := &s.plan.Experiments[x]
	name := "exposed"
	if metric >= 0 {
		name = e.Metrics[metric].Metric.ID
	}
	text := fmt.Sprintf("%s %s %s", e.ID, name, e.Variants[variant].ID)
	for i := range e.Dimensions {
		if slice[i] != moment.All {
			text += fmt.Sprintf(" %s=%s", e.Dimensions[i].Name, s.store.Name(slice[i]))
		}
	}
	return text
}

func (s *scenario) cells(cells map[oracleKey]*moment.Sums) string {
	keys := slices.SortedFunc(maps.Keys(cells), func(a, b oracleKey) int {
		return cmp.Or(a.experiment-b.experiment, a.metric-b.metric, a.variant-b.variant, slices.Compare(a.slice[:], b.slice[:]))
	})
	var b strings.Builder
	for _, k := range keys {
		c := cells[k]
		fmt.Fprintf(&b, "%s: n %d, num %s, den %s, num2 %s", s.cellName(k.experiment, k.variant, k.metric, k.slice), c.N, c.Num, c.Den, c.Num2)
		if c.HasBefore() {
			fmt.Fprintf(&b, ", before %s", c.Before.Pre)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
