package state

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
)

// Inspect writes the store in a readable, deterministic form: what it reflects, its ledger, and its subjects in the
// order of their keys, or only the one asked for.
func (s *Store) Inspect(ctx context.Context, w io.Writer, subject []byte) error {
	p := &printer{w: bufio.NewWriter(w), store: s}
	if subject == nil {
		p.offsets()
		p.ledger()
	}
	found := false
	err := s.subjects(ctx, func(_ uint64, sub *Subject, head []byte) error {
		if subject != nil && sub.id != string(subject) {
			return nil
		}
		found = true
		p.subject(sub, len(head))
		return nil
	})
	if err != nil {
		return err
	}
	if subject != nil && !found {
		return fmt.Errorf("state: no subject %q in this shard", subject)
	}
	return p.w.Flush()
}

type printer struct {
	w     *bufio.Writer
	store *Store
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

// instant is a time as people read it; the ends of time are words.
func instant(t int64) string {
	switch t {
	case never:
		return "never"
	case forever:
		return "forever"
	}
	return time.UnixMicro(t).UTC().Format("2006-01-02T15:04:05.999999Z")
}

func (p *printer) offsets() {
	o := &p.store.offsets
	p.line("format %d", formatVersion)
	p.line("plan %s of subject %s", p.store.plan.Hash, p.store.plan.Subject)
	p.line("commit %d", o.commit)
	p.line("clock %s", instant(o.clock))
	if o.strict {
		p.line("strict windows: settled up to %s, ended at %s; newest event %s", instant(o.ripe.clock), instant(o.ripe.end), instant(o.newest))
	}
	p.line("digest %016x%016x", o.sum.hi, o.sum.lo)
	for _, b := range slices.Sorted(maps.Keys(o.buckets)) {
		p.line("ids until %s: %d in logs, digest %016x%016x", bucketEnd(b), p.store.core.index.in(b), o.buckets[b].hi, o.buckets[b].lo)
	}
	p.line("subjects %d, dictionary %d, tuples %d, kept records %d", o.subjects, p.store.dictionary.len(), len(p.store.core.tuples.values), o.rejects)
	for i := range o.inputs {
		in := &o.inputs[i]
		p.line("input %d %s: next %d, epoch %d, bound %s", i, in.Name, in.Next, in.LeaderEpoch, instant(in.Bound))
	}
}

func bucketEnd(b uint32) string {
	if b == keptForEver {
		return instant(forever)
	}
	return instant(int64(b) * hour)
}

// String is the input as people know it.
func (n InputName) String() string {
	if n.Source == "" {
		return fmt.Sprintf("re-key %s/%d", n.Topic, n.Partition)
	}
	return fmt.Sprintf("%s %s/%d", n.Source, n.Topic, n.Partition)
}

func (p *printer) ledger() {
	l, plan := p.store.Ledger(), p.store.plan
	for i := range l.Sources {
		n := &l.Sources[i]
		p.line("source %s: read %d, rejected %d, copies %d%s", plan.Sources[i].ID, n.Read, n.Rejected, n.Copies, reasons(n.Reasons))
	}
	for i := range l.Events {
		n := &l.Events[i]
		p.line("event %s: filtered %d, rejected %d, late %d, duplicate %d, accepted %d, elsewhere %d, id_conflict %d%s", plan.Events[i].ID,
			n.Filtered, n.Rejected, n.Late, n.Duplicate, n.Accepted, n.Elsewhere, n.IDConflicts, reasons(n.Reasons))
	}
	for i := range l.Experiments {
		n := &l.Experiments[i]
		p.line("experiment %s: exposed %d, crossovers %d", plan.Experiments[i].ID, n.Exposed, n.Crossovers)
		for _, r := range n.Events {
			p.line("  %s: counted %d, outside %d, unexposed %d, unknown_variant %d, late_exposure %d, before_start %d, after_stop %d",
				plan.Events[r.Event].ID, r.Counted, r.Outside, r.Unexposed, r.UnknownVariant, r.LateExposure, r.BeforeStart, r.AfterStop)
		}
	}
}

func reasons(m map[string]int64) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, ", %s %d", k, m[k])
	}
	return b.String()
}

// subject writes one subject; size is that of its head row, 0 if it is not committed.
func (p *printer) subject(s *Subject, size int) {
	plan := p.store.plan
	p.line("subject %q: head row %d bytes", s.id, size)
	for _, n := range s.accepted {
		p.line("  accepted %s %d", plan.Events[n.event].ID, n.n)
	}
	for i := range s.exposed {
		x := &s.exposed[i]
		e := &plan.Experiments[x.experiment]
		crossed := ""
		if x.crossed {
			crossed = ", crossed over"
		}
		p.line("  experiment %s: variant %s since %s%s, exposure [%s]", e.ID, e.Variants[x.variant].ID, instant(x.t0), crossed, p.values(x.dims))
		for k, n := range x.reads {
			p.line("    closed %s: counted %d, unexposed %d", plan.Events[p.store.core.schema.experiments[x.experiment].reads[k]].ID, n.counted, n.unexposed)
		}
	}
	p.waits(s)
	for i := range s.segments {
		p.segment(&s.segments[i])
	}
	for _, v := range s.covers {
		p.line("  %s counts from %s to %s", p.list(p.store.core.listOf(int(v.conversion))), instant(v.from), instant(v.to))
	}
	for i := range s.profile {
		r := &s.profile[i]
		p.line("  profile %s since %s: [%s]", plan.Events[r.event].ID, instant(r.time), p.values(r.dims))
	}
	for i := range s.tail {
		p.open(s, &s.tail[i])
	}
	for i := range s.seen {
		n := &s.seen[i]
		p.line("  id of %s at %s: %s", plan.Events[n.event].ID, instant(n.time), n.id)
	}
	for _, b := range s.spills {
		p.line("  more ids until %s", bucketEnd(b))
	}
	if s.openLimit {
		p.line("  open_limit")
	}
}

// waits says for which strict metrics a subject is not complete, and when it is.
func (p *printer) waits(s *Subject) {
	c := &p.store.core
	for i := range s.exposed {
		x := &s.exposed[i]
		e := &c.schema.experiments[x.experiment]
		for _, k := range e.strict {
			if m := &e.metrics[k]; !c.out(x) && !c.complete(x, m) {
				plan := &p.store.plan.Experiments[x.experiment]
				if due := x.due(e, m); due == forever {
					p.line("  %s of %s: never complete, the window reaches beyond the stop", plan.Metrics[k].Metric.ID, plan.ID)
				} else {
					p.line("  %s of %s: complete at %s", plan.Metrics[k].Metric.ID, plan.ID, instant(due))
				}
			}
		}
	}
}

// String is the id, or that only its hash is kept.
func (k idKey) String() string {
	if k[15] == 0xff {
		return fmt.Sprintf("hash %x", k[:15])
	}
	return fmt.Sprintf("%q", k[:k[15]])
}

// list names a segment list: a measure, or the counting numerators of an ordered metric.
func (p *printer) list(list int32) string {
	schema, plan := p.store.core.schema, p.store.plan
	if k := int(list) - len(schema.measures); k >= 0 {
		v := &schema.conversions[k]
		return fmt.Sprintf("conversion %s of %s", plan.Experiments[v.experiment].Metrics[v.metric].Metric.ID, plan.Experiments[v.experiment].ID)
	}
	m := &plan.Measures[list]
	text := fmt.Sprintf("%s of %s", m.Agg, plan.Events[m.Event].ID)
	if m.Column >= 0 && m.Agg != catalog.Count && m.Agg != catalog.Exists && plan.Events[m.Event].Query != nil {
		text = fmt.Sprintf("%s(%s) of %s", m.Agg, plan.Events[m.Event].Query.Columns[m.Column].Name, plan.Events[m.Event].ID)
	}
	if m.Presence {
		text = "presence of " + plan.Events[m.Event].ID
	}
	if m.Where != nil {
		text += " where " + m.Where.Text
	}
	return text
}

func (p *printer) segment(g *segment) {
	value := ""
	if g.set != nil && g.set.bins != nil {
		n, _ := quantileCounts(g.set.bins, 0)
		value = fmt.Sprintf("%d values in %d bins", n, len(g.set.bins))
	} else if g.set != nil {
		n, approximate := g.set.count()
		value = fmt.Sprintf("%d values", n)
		if approximate {
			value = "about " + value
		}
	} else if v, fits := g.value.int64(); fits {
		value = fmt.Sprint(v)
	} else {
		value = fmt.Sprintf("%#x%016x", uint64(g.value.hi), g.value.lo)
	}
	p.line("  segment %s from %s%s: %s", p.list(g.list), instant(g.cut), p.tuple(g.tuple), value)
}

func (p *printer) tuple(t uint32) string {
	if t == 0 {
		return ""
	}
	return " [" + p.values(p.store.core.tuples.values[t-1]) + "]"
}

func (p *printer) values(ids []uint32) string {
	var list []string
	for _, id := range ids {
		list = append(list, p.store.Name(id))
	}
	return strings.Join(list, ", ")
}

func (p *printer) open(s *Subject, o *open) {
	d := &p.store.core.schema.events[o.event]
	var values []string
	for slot, m := range d.measures {
		switch v := s.operands[int(o.values)+slot]; {
		case !v.Counts:
			values = append(values, "-")
		case p.store.plan.Measures[m].Presence || p.store.plan.Measures[m].Agg == catalog.Count || p.store.plan.Measures[m].Agg == catalog.Exists:
			values = append(values, "1")
		default:
			values = append(values, fmt.Sprint(v.Value))
		}
	}
	p.line("  open %s at %s%s: %s", p.store.plan.Events[o.event].ID, instant(o.time), p.tuple(o.tuple), strings.Join(values, " "))
}
