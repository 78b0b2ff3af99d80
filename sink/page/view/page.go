package view

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// Page is what the page of one experiment says.
type Page struct {
	ID, Name, Owner, Description, Definition string
	Life                                     string // draft, running, ended, stopped
	Day                                      Day
	Verdict                                  Verdict
	Banners                                  []Banner
	Fresh                                    Fresh
	Arms                                     []Arm
	SRM                                      SRM
	Epochs                                   []Epoch // of a ramp
	Crossovers                               string
	Correction                               string // for many comparisons, in words; "" is none
	Table                                    *Table // nil while there is no result
	Shape, Slices                            string
}

// Day is how far an experiment is in its planned time.
type Day struct {
	Text  string // day 6/14
	Width string // of a bar of 72 units
	Title string // from … to …
}

// SRM is the sample ratio check in words.
type SRM struct {
	State string // ok, failed, collecting
	Word  string
}

// Banner is something that must not be overlooked: never folded, and it says what to do.
type Banner struct {
	Key, Level string // bad, warn
	Title      string
	Text       string
}

// correction is what the states of the whole are corrected by.
func correction(x *catalog.Experiment) string {
	switch name := results.CorrectionName(string(x.Correction)); x.Correction {
	case catalog.NoCorrection, "":
		return ""
	case catalog.Bonferroni: // each row stands at its share of alpha
		return "states and always-valid intervals corrected by " + name
	default:
		return "states corrected by " + name + "; p and intervals are each row’s own"
	}
}

// NewPage says what there is to say about an experiment; r is nil while it has no result.
func NewPage(set *catalog.Set, x *catalog.Experiment, r *results.Result, st stream.Status, now time.Time) *Page {
	p := &Page{Correction: correction(x), ID: x.ID, Name: x.Name, Owner: x.Owner, Description: x.Description, Life: Life(x, r, now),
		Crossovers: results.FormatCount(0), Arms: Arms(x, r), SRM: srm(r), Epochs: epochs(x, r)}
	if p.Name == "" {
		p.Name = x.ID
	}
	at := now
	if r != nil {
		at = r.AsOf
		p.Definition, p.Crossovers = short(r.Definition), results.FormatCount(r.Crossovers)
		p.Table, p.Slices = NewTable(set, x, r), slicesShape(r)
	} else {
		p.Definition = short(x.Hash().String())
	}
	p.Day = day(x, at)
	p.Fresh = freshness(x, r, st, now)
	p.Banners = banners(x, r, st, now)
	p.Verdict = judge(x, r, p)
	p.Shape = shape(p.Table, p.Banners, p.Epochs, p.Life)
	return p
}

// Life is where an experiment stands: by its result, or without one by the clock.
func Life(x *catalog.Experiment, r *results.Result, now time.Time) string {
	if r != nil && r.State != "" {
		return r.State
	}
	return results.Life(x, now)
}

// Subjects is how many subjects a result has in all arms.
func Subjects(r *results.Result) int64 {
	n := int64(0)
	if r != nil {
		for _, k := range r.Subjects {
			n += k
		}
	}
	return n
}

const dayWidth = 72.0

func day(x *catalog.Experiment, at time.Time) Day {
	d := Day{Title: "from " + Clock(x.Start), Width: "0"}
	end := x.End
	if !x.Stop.IsZero() && (end.IsZero() || x.Stop.Before(end)) {
		end = x.Stop
	}
	if at.Before(x.Start) {
		d.Text = "starts " + x.Start.UTC().Format("2 Jan")
		return d
	}
	passed := int64(at.Sub(x.Start)/(24*time.Hour)) + 1
	if end.IsZero() {
		d.Text = "day " + results.FormatCount(passed)
		return d
	}
	d.Title += " to " + Clock(end)
	total := max(1, int64(math.Ceil(float64(end.Sub(x.Start))/float64(24*time.Hour))))
	d.Text = "day " + results.FormatCount(min(passed, total)) + "/" + results.FormatCount(total)
	share := float64(at.Sub(x.Start)) / float64(end.Sub(x.Start))
	d.Width = strconv.FormatFloat(round1(dayWidth*math.Max(0, math.Min(1, share))), 'g', -1, 64)
	return d
}

func srm(r *results.Result) SRM {
	if r == nil {
		return SRM{"collecting", "no subjects yet"}
	}
	p := results.FormatP(r.SRM.PSequential, r.Alpha)
	switch r.SRM.State {
	case "ok":
		return SRM{"ok", "split as planned (always-valid p " + p + ")"}
	case "failed":
		return SRM{"failed", "not split as planned (always-valid p " + p + ")"}
	}
	return SRM{"collecting", "too few subjects to check the split"}
}

// banners are the things that are never folded, worst first. Their texts hold no number that moves: a banner comes and
// goes, it does not flicker.
func banners(x *catalog.Experiment, r *results.Result, st stream.Status, now time.Time) []Banner {
	var list []Banner
	for _, h := range halts(r, st) {
		list = append(list, Banner{Key: h.Input, Level: "bad", Title: string(h.State) + ": " + h.Input + " stands still",
			Text: sentence(h.Reason) + " " + sentence(h.Remedy) + " Until then these numbers are incomplete."})
	}
	switch {
	case st.State == stream.ReadOnlyDisk || st.Disk.Low:
		list = append(list, Banner{Key: "disk", Level: "bad", Title: "Reading is paused: the disk is nearly full",
			Text: "Free space below the data directory; reading resumes by itself. The numbers stand where they are until then."})
	case st.State == stream.Degraded:
		list = append(list, Banner{Key: "brokers", Level: "warn", Title: "The brokers do not answer", Text: "The numbers stand still and go on by themselves once they do. Check the network and the brokers if this lasts."})
	case st.State == stream.Waiting:
		list = append(list, Banner{Key: "waiting", Level: "warn", Title: "Waiting for the input", Text: strings.TrimSpace(sentences(st.Reasons) + " It goes on by itself.")})
	}
	if st.Rebuild != nil && st.Rebuild.PartialSince != nil {
		list = append(list, Banner{Key: "rebuild", Level: "warn", Title: "Rebuilding from a log that no longer reaches back",
			Text: "The new numbers are partial since " + Clock(*st.Rebuild.PartialSince) + " and will not replace the old ones by themselves."})
	}
	if r == nil {
		return list
	}
	off := splits(r)
	if broken(r) {
		text := "One arm loses or gains subjects beyond chance, so no difference here can be trusted, in any row or slice. Look for redirects, crashes or filters that hit one arm before its exposure is logged, then restart the experiment under a new id."
		if off != "" {
			text += " The split is off by itself in " + off + "."
		}
		list = append(list, Banner{Key: "srm " + off, Level: "bad", Title: "Sample ratio mismatch: subjects are not split as planned", Text: text})
	} else if off != "" {
		list = append(list, Banner{Key: "srm " + off, Level: "warn", Title: "The split is off in slices: " + off,
			Text: "Subjects with these values are not divided between the arms as planned, beyond chance. Differences in these slices can't be trusted, and the whole's only as far as they are small."})
	}
	if x.Fixed {
		list = append(list, Banner{Key: "fixed", Level: "warn", Title: "States here hold for one look at a time set beforehand",
			Text: "The definition has interval: fixed, so the fixed-horizon interval and p decide. Whoever looks often and stops at a clear state errs more often than the level says; the always-valid interval beside it does not."})
	}
	failed := false
	for i := range r.Rows {
		row := &r.Rows[i]
		if len(row.Slice) > 0 {
			continue
		}
		if row.State == "failed" {
			failed = true
		}
		if row.Guardrail != nil && row.Guardrail.State == "crossed" {
			list = append(list, Banner{Key: row.Key(), Level: "bad", Title: metricName(x, row.Metric) + " crossed its limit of " + results.FormatLimit(row.Format, row.Guardrail) + inArm(x, row.Variant),
				Text: "The whole always-valid interval lies beyond the limit. Stop the experiment or roll " + quoted(row.Variant) + " back, then find out why."})
		}
	}
	if failed {
		list = append(list, Banner{Key: "failed", Level: "bad", Title: "Some results cannot be computed",
			Text: "Their rows say at which step. Run tidemark state verify on the data directory; a rebuild from the log repairs a damaged state."})
	}
	for _, reason := range r.Reasons {
		// A halt has its own banner above, which says more.
		if reason != results.ReasonSRM && !strings.HasPrefix(strings.ToLower(reason), "halted") {
			text := sentence(results.ReasonText(reason))
			if reason == "gap_accepted" {
				text = "An operator accepted a gap in the log: the records that were in it are not in these numbers."
			}
			list = append(list, Banner{Key: reason, Level: "warn", Title: "Read these results with care", Text: text})
		}
	}
	return list
}

// broken says that the split of the whole has failed: then every row is unreliable for one reason, which the banner says.
func broken(r *results.Result) bool { return r.SRM.State == "failed" }

// splits names the slices whose split is off, three at most.
func splits(r *results.Result) string {
	const most = 3
	var names []string
	for i, s := range r.SRM.Slices {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, quoted(s.Dimension)+"="+quoted(Shown(s.Value)))
	}
	return strings.Join(names, ", ")
}

// inArm names the arm where there are several treatments.
func inArm(x *catalog.Experiment, variant string) string {
	if len(x.Variants) <= 2 {
		return ""
	}
	return " in " + quoted(variant)
}

// metricName is a metric's name for a sentence.
func metricName(x *catalog.Experiment, id string) string {
	for _, u := range x.Metrics {
		if u.Metric.ID == id {
			return quoted(MetricName(u.Metric))
		}
	}
	return quoted(id)
}

// sentence makes a clause one: a capital letter in front and a full stop behind.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	first := []rune(text)
	text = strings.ToUpper(string(first[:1])) + string(first[1:])
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "…") {
		text += "."
	}
	return text
}

func sentences(texts []string) string {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(sentence(t) + " ")
	}
	return strings.TrimSpace(b.String())
}

// Clock writes an instant for people. One zone everywhere, and it is said.
func Clock(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04 UTC") }

// Since writes a length of time with one unit: 3.1 s, 4 min, 2 h, 6 d.
func Since(d time.Duration) string {
	switch {
	case d < 0:
		return results.Missing
	case d < 9950*time.Millisecond:
		v := math.Round(d.Seconds()*10) / 10
		return results.FormatValue("duration_s", &v, nil)
	case d < 2*time.Minute:
		v := math.Round(d.Seconds())
		return results.FormatValue("duration_s", &v, nil)
	case d < 48*time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return results.FormatCount(int64(d/(24*time.Hour))) + " d"
}
