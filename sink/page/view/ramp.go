package view

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// Epoch is a stretch of a ramp: how subjects were to be split from then on, and are. Its arms are in the order of Page.Arms.
type Epoch struct {
	From string
	Arms []Arm
	P    string
	key  string // of its cells
}

// epochs are the stretches of a ramp; none without one.
func epochs(x *catalog.Experiment, r *results.Result) []Epoch {
	if r == nil {
		return nil
	}
	var list []Epoch
	for k, t := range results.EpochTexts(r) {
		e := Epoch{From: t.From, P: t.P, key: "e" + strconv.Itoa(k)}
		for _, a := range t.Arms {
			arm := Arm{ID: a.Variant, Letter: letter(x, a.Variant), Subjects: a.Subjects, Share: a.Share, Plan: a.Planned}
			if a.Variant == x.Control {
				e.Arms = slices.Insert(e.Arms, 0, arm)
			} else {
				e.Arms = append(e.Arms, arm)
			}
		}
		list = append(list, e)
	}
	return list
}

// Field names a cell of the stretch: of an arm by its letter, or p.
func (e *Epoch) Field(what, letter string) string { return e.key + "_" + what + letter }

// fields are the cells' texts by name.
func (e *Epoch) fields(f map[string]string) {
	for _, a := range e.Arms {
		f[e.Field("n_", a.Letter)], f[e.Field("share_", a.Letter)] = a.Subjects, a.Share
	}
	f[e.Field("p", "")] = e.P
}

// planned is the share that a ramp as a whole planned for a variant: that of each stretch, by the subjects that it has.
func planned(r *results.Result, variant string) (share float64, ok bool) {
	total := int64(0)
	for _, e := range r.SRM.Epochs {
		n := int64(0)
		for _, k := range e.Subjects {
			n += k
		}
		share += e.Planned[variant] * float64(n)
		total += n
	}
	if total == 0 {
		return 0, false
	}
	return share / float64(total), true
}

// ramp says when the weights of an experiment change, and to what.
func (d *Definition) ramp(x *catalog.Experiment) {
	for _, s := range x.Ramp {
		total := 0.0
		for _, w := range s.Weights {
			total += w
		}
		var parts []string
		for i, v := range x.Variants {
			parts = append(parts, v.ID+" "+results.FormatPercent(s.Weights[i]/total, 1))
		}
		d.fact("planned from "+Clock(s.From), strings.Join(parts, ", "))
	}
}
