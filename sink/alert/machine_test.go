package alert

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
)

// TestMachine runs testdata/machine: what rules make of results, in the domain's words.
//
//	rule ID guardrail=crossed | metric=CTR state=worse | srm=failed | stale=5m [for=2m] [min=100] [only=one] [to=pager,chat]
//	norule ID             the rule leaves the definitions; "restart" applies both
//	noexperiment ID
//	topics NAME…          what the source reads
//	restart               close, and open under the definitions as they are now
//	result EXPERIMENT at=90s pos=0:10,1:7 [subjects=200] [srm=failed] [state=stopped] [METRIC=word]…
//	clock 10m             the time by the clock, after the beginning; stale rules are asked
//	alerts                where every alert stands
//
// Every command prints the transitions and messages that it caused.
func TestMachine(t *testing.T) {
	datadriven.Walk(t, "testdata/machine", func(t *testing.T, path string) {
		w := &world{t: t, fs: vfs.NewMem(), rules: map[string]*catalog.Alert{}, senders: map[string]*rec{}, gone: map[string]bool{}}
		defer func() { w.m.Close() }()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return w.run(d) })
	})
}

type world struct {
	t       *testing.T
	fs      vfs.FS
	m       *Manager
	order   []string
	rules   map[string]*catalog.Alert
	gone    map[string]bool
	topics  []string
	senders map[string]*rec
	clock   time.Duration
	seen    int    // transitions printed
	queued  uint64 // messages printed
}

func (w *world) run(d *datadriven.TestData) string {
	switch d.Cmd {
	case "rule":
		w.rule(d)
		return ""
	case "norule":
		delete(w.rules, d.CmdArgs[0].Key)
		return ""
	case "topics": // the source reads these from the next restart on
		w.topics = nil
		for _, arg := range d.CmdArgs {
			w.topics = append(w.topics, arg.Key)
		}
		return ""
	case "noexperiment":
		w.gone[d.CmdArgs[0].Key] = true
		return ""
	case "restart":
		w.restart()
	case "result":
		if err := w.m.Observe(w.outcome(d).result()); err != nil {
			return err.Error()
		}
	case "clock":
		w.clock = w.duration(d.CmdArgs[0].Key)
		if err := w.m.tick(); err != nil {
			return err.Error()
		}
	case "accept":
		if err := w.m.AcceptPositions(d.CmdArgs[0].Key); err != nil {
			return err.Error()
		}
	case "alerts":
		return w.alerts()
	default:
		d.Fatalf(w.t, "unknown command %s", d.Cmd)
	}
	return w.news()
}

func (w *world) restart() {
	if w.m != nil {
		if err := w.m.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
	var rules []*catalog.Alert
	for _, id := range w.order {
		if r := w.rules[id]; r != nil {
			rules = append(rules, r)
		}
	}
	set := definitions(rules...)
	var kept []*catalog.Experiment
	for _, e := range set.Experiments {
		if !w.gone[e.ID] {
			kept = append(kept, e)
		}
	}
	set.Experiments = kept
	if w.topics != nil {
		set.Sources[0].Topics = w.topics
	}
	opt := options(w.fs, w.senders)
	opt.Now = func() time.Time { return start.Add(w.clock) }
	w.m = open(w.t, set, opt)
}

func (w *world) rule(d *datadriven.TestData) {
	a := &catalog.Alert{ID: d.CmdArgs[0].Key, All: true, Severity: "critical"}
	for _, arg := range d.CmdArgs[1:] {
		v := strings.Join(arg.Vals, ",")
		switch arg.Key {
		case "guardrail":
			a.When.Guardrail = v
		case "metric":
			a.When.Metric = v
		case "state":
			a.When.State = v
		case "srm":
			a.When.SRM = v
		case "stale":
			a.When.Stale = w.duration(v)
		case "for":
			a.For = w.duration(v)
		case "min":
			a.MinSubjects = w.number(v)
		case "only":
			a.All, a.Experiments = false, arg.Vals
		case "to":
			a.Receivers = arg.Vals
		case "summary":
			a.Summary = strings.ReplaceAll(v, "_", " ")
		default:
			d.Fatalf(w.t, "unknown argument %s", arg.Key)
		}
	}
	if w.rules[a.ID] == nil {
		w.order = append(w.order, a.ID)
	}
	w.rules[a.ID] = a
}

func (w *world) outcome(d *datadriven.TestData) outcome {
	o := outcome{experiment: d.CmdArgs[0].Key, positions: map[string]int64{}, subjects: 1000, words: map[string]string{}}
	for _, arg := range d.CmdArgs[1:] {
		switch arg.Key {
		case "at":
			o.at = w.duration(arg.Vals[0])
		case "pos":
			for _, p := range arg.Vals {
				partition, at, _ := strings.Cut(p, ":")
				topic := "events/"
				if strings.Contains(partition, "/") {
					topic = ""
				}
				o.positions[topic+partition] = w.number(at)
			}
		case "subjects":
			o.subjects = w.number(arg.Vals[0])
		case "srm":
			o.srm = arg.Vals[0]
		case "state":
			o.state = arg.Vals[0]
		default:
			o.words[arg.Key] = arg.Vals[0]
		}
	}
	return o
}

func (w *world) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// news are the transitions and messages since the last command.
func (w *world) news() string {
	var b strings.Builder
	all := w.m.Transitions(1 << 20)
	for i := len(all) - 1 - w.seen; i >= 0; i-- {
		tr := all[i]
		name := tr.Key.Rule + " " + tr.Key.Experiment
		if tr.Key.Metric != "" {
			name += " " + tr.Key.Metric + "/" + tr.Key.Variant
		}
		muted := ""
		if tr.Muted {
			muted = " muted"
		}
		fmt.Fprintf(&b, "%v %s: %s -> %s (%s) #%d%s\n", tr.At.Sub(start), name, tr.From, tr.To, tr.Reason, tr.Episode, muted)
	}
	w.seen = len(all)
	messages, last := outbox(w.t, w.m, w.queued)
	for _, text := range messages {
		fmt.Fprintf(&b, "  to %s\n", text)
	}
	w.queued = last
	if b.Len() == 0 {
		return "-\n"
	}
	return b.String()
}

func (w *world) alerts() string {
	var b strings.Builder
	for _, a := range w.m.Alerts() {
		fmt.Fprintf(&b, "%s %s %s: %s (%s) #%d value=%q limit=%q muted=%v\n", a.Rule, a.Experiment, a.Metric, a.State, a.Reason, a.Episode, a.Value, a.Limit, a.Muted)
	}
	for _, p := range w.m.Progress() {
		if p.Behind != "" {
			fmt.Fprintf(&b, "%s is behind in %s\n", p.Experiment, p.Behind)
		}
	}
	if b.Len() == 0 {
		return "-\n"
	}
	return b.String()
}
