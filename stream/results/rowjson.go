package results

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// Rows are most of what is published, and every one that changed is written out again. AppendJSON writes the bytes of
// encoding/json without asking each value for its type; what is rare in rows is left to encoding/json itself.

// AppendJSON appends to b what json.Marshal returns for the row. It fails where that does: a number is infinite or none.
func (r *Row) AppendJSON(b []byte) ([]byte, error) {
	w := rowWriter{b: b}
	w.row(r)
	return w.b, w.err
}

// Same says, without looking at what the rows hold, that both came from one evaluation, so that they are Equal.
func (r *Row) Same(o Origin) bool { return r.same != nil && r.same == o.row }

// Origin stands for the evaluation that a row came from, for whoever remembers something of the row but not the row.
type Origin struct{ row *Row }

// Origin returns what Same compares.
func (r *Row) Origin() Origin { return Origin{r.same} }

type rowWriter struct {
	b   []byte
	err error
}

// key begins a member; text is the quoted name with a colon, and with a comma or brace before it.
func (w *rowWriter) key(text string) { w.b = append(w.b, text...) }

// other writes a value by encoding/json.
func (w *rowWriter) other(v any) {
	text, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.b = append(w.b, text...)
}

func (w *rowWriter) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			w.other(s)
			return
		}
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
}

func (w *rowWriter) int(n int64) { w.b = strconv.AppendInt(w.b, n, 10) }

// float writes a number as encoding/json does: the shortest text that reads back as it, with an exponent as JavaScript has it.
func (w *rowWriter) float(f float64) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		if w.err == nil {
			w.err = &json.UnsupportedValueError{Value: reflect.ValueOf(f), Str: strconv.FormatFloat(f, 'g', -1, 64)}
		}
		return
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	w.b = strconv.AppendFloat(w.b, f, format, -1, 64)
	if n := len(w.b); format == 'e' && n >= 4 && w.b[n-4] == 'e' && (w.b[n-3] == '-' || w.b[n-3] == '+') && w.b[n-2] == '0' {
		w.b[n-2] = w.b[n-1] // e-09 is e-9
		w.b = w.b[:n-1]
	}
}

func (w *rowWriter) number(f *float64) {
	if f == nil {
		w.null()
		return
	}
	w.float(*f)
}

func (w *rowWriter) null() { w.b = append(w.b, "null"...) }

func (w *rowWriter) time(t *time.Time) { w.other(t) }

func (w *rowWriter) interval(i Interval) {
	if i == nil {
		w.null()
		return
	}
	w.b = append(w.b, '[')
	w.float(i[0])
	w.b = append(w.b, ',')
	w.float(i[1])
	w.b = append(w.b, ']')
}

func (w *rowWriter) end() { w.b = append(w.b, '}') }

// textOr, floatOr and intOr write members that are left out where they are zero.
func (w *rowWriter) textOr(key, s string) {
	if s != "" {
		w.key(key)
		w.text(s)
	}
}

func (w *rowWriter) floatOr(key string, f float64) {
	if f != 0 {
		w.key(key)
		w.float(f)
	}
}

func (w *rowWriter) intOr(key string, n int64) {
	if n != 0 {
		w.key(key)
		w.int(n)
	}
}

func (w *rowWriter) numberOr(key string, f *float64) {
	if f != nil {
		w.key(key)
		w.float(*f)
	}
}

func (w *rowWriter) row(r *Row) {
	w.key(`{"metric":`)
	w.text(r.Metric)
	w.key(`,"definition":`)
	w.text(r.Definition)
	w.key(`,"role":`)
	w.text(r.Role)
	w.key(`,"slice":`)
	appendMap(w, r.Slice, w.text)
	w.key(`,"variant":`)
	w.text(r.Variant)
	w.key(`,"control":`)
	w.text(r.Control)
	w.key(`,"by_variant":`)
	appendMap(w, r.ByVariant, w.arm)
	w.key(`,"difference":`)
	w.difference(&r.Difference)
	w.key(`,"welch":{"t":`)
	w.number(r.Welch.T)
	w.key(`,"df":`)
	w.number(r.Welch.DF)
	w.key(`,"p":`)
	w.number(r.Welch.P)
	w.key(`,"interval":`)
	w.interval(r.Welch.Interval)
	w.key(`},"lift":`)
	w.lift(&r.Lift)
	if c := r.CUPED; c != nil {
		w.key(`,"cuped":{"theta":`)
		w.number(c.Theta)
		w.key(`,"difference":`)
		w.difference(&c.Difference)
		if c.Lift != nil {
			w.key(`,"lift":`)
			w.lift(c.Lift)
		}
		w.end()
	}
	w.key(`,"guardrail":`)
	w.guardrail(r.Guardrail)
	w.key(`,"state":`)
	w.text(r.State)
	w.key(`,"reasons":`)
	w.texts(r.Reasons)
	w.textOr(`,"format":`, r.Format)
	w.textOr(`,"direction":`, r.Direction)
	if r.Tuning != nil {
		w.key(`,"tuning":`)
		w.tuning(r.Tuning)
	}
	w.floatOr(`,"alpha":`, r.Alpha)
	w.floatOr(`,"alpha_always":`, r.AlphaAlways)
	w.numberOr(`,"p_adjusted":`, r.PAdjusted)
	w.numberOr(`,"q":`, r.Q)
	if r.Stratified != nil {
		w.key(`,"stratified":`)
		w.difference(r.Stratified)
	}
	if r.Power != nil {
		w.key(`,"power":`)
		w.other(r.Power)
	}
	if r.Clip != nil {
		w.key(`,"clip":`)
		w.other(r.Clip)
	}
	w.floatOr(`,"quantile":`, r.Quantile)
	w.textOr(`,"across":`, r.Across)
	if len(r.Warnings) > 0 {
		w.key(`,"warnings":`)
		w.other(r.Warnings)
	}
	w.end()
}

// appendMap writes a map by its keys in order.
func appendMap[V any](w *rowWriter, m map[string]V, value func(V)) {
	if m == nil {
		w.null()
		return
	}
	var room [8]string
	keys := slices.AppendSeq(room[:0], maps.Keys(m))
	slices.Sort(keys)
	w.b = append(w.b, '{')
	for i, k := range keys {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.text(k)
		w.b = append(w.b, ':')
		value(m[k])
	}
	w.end()
}

func (w *rowWriter) texts(list []string) {
	if list == nil {
		w.null()
		return
	}
	w.b = append(w.b, '[')
	for i, s := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.text(s)
	}
	w.b = append(w.b, ']')
}

func (w *rowWriter) arm(a Arm) {
	w.key(`{"n":`)
	w.int(a.N)
	w.intOr(`,"nonzero":`, a.NonZero)
	w.key(`,"sum_num":`)
	w.text(a.SumNum)
	w.key(`,"sum_den":`)
	w.text(a.SumDen)
	w.key(`,"sum_num2":`)
	w.text(a.SumNum2)
	w.key(`,"sum_den2":`)
	w.text(a.SumDen2)
	w.key(`,"sum_numden":`)
	w.text(a.SumNumDen)
	w.textOr(`,"sum_pre":`, a.SumPre)
	w.textOr(`,"sum_pre2":`, a.SumPre2)
	w.textOr(`,"sum_numpre":`, a.SumNumPre)
	w.textOr(`,"sum_denpre":`, a.SumDenPre)
	w.textOr(`,"sum_preden":`, a.SumPreDen)
	w.textOr(`,"sum_preden2":`, a.SumPreDen2)
	w.textOr(`,"sum_prepreden":`, a.SumPrePreDen)
	w.textOr(`,"sum_numpreden":`, a.SumNumPreDen)
	w.textOr(`,"sum_denpreden":`, a.SumDenPreDen)
	w.key(`,"value":`)
	w.number(a.Value)
	w.key(`,"se":`)
	w.number(a.SE)
	w.numberOr(`,"sketch_error":`, a.SketchError)
	w.intOr(`,"approximate":`, a.Approximate)
	w.intOr(`,"overflowed":`, a.Overflowed)
	w.end()
}

func (w *rowWriter) difference(d *Difference) {
	w.key(`{"value":`)
	w.number(d.Value)
	w.key(`,"se":`)
	w.number(d.SE)
	w.numberOr(`,"se_always":`, d.SEAlways)
	w.key(`,"z":`)
	w.number(d.Z)
	w.key(`,"p":`)
	w.number(d.P)
	w.key(`,"interval":`)
	w.interval(d.Interval)
	w.key(`,"p_always":`)
	w.number(d.PAlways)
	w.key(`,"interval_always":`)
	w.interval(d.IntervalAlways)
	w.end()
}

func (w *rowWriter) lift(l *Lift) {
	w.key(`{"value":`)
	w.number(l.Value)
	w.key(`,"interval":`)
	w.interval(l.Interval)
	w.key(`,"interval_always":`)
	w.interval(l.IntervalAlways)
	w.key(`,"method":`)
	w.text(l.Method)
	w.end()
}

func (w *rowWriter) guardrail(g *Guardrail) {
	if g == nil {
		w.null()
		return
	}
	w.key(`{"limit":`)
	w.float(g.Limit)
	w.key(`,"unit":`)
	w.text(g.Unit)
	w.key(`,"state":`)
	w.text(g.State)
	if n := g.NonInferiority; n != nil {
		w.key(`,"non_inferiority":{"verdict":`)
		w.text(n.Verdict)
		w.key(`,"z":`)
		w.number(n.Z)
		w.key(`,"p":`)
		w.number(n.P)
		w.key(`,"p_always":`)
		w.number(n.PAlways)
		w.key(`,"bound":`)
		w.number(n.Bound)
		w.key(`,"bound_always":`)
		w.number(n.BoundAlways)
		w.end()
	}
	w.end()
}

// tuning writes a fact; every member of it may be left out.
func (w *rowWriter) tuning(t *Tuning) {
	from := len(w.b)
	w.floatOr(`,"v":`, t.V)
	w.floatOr(`,"v_cuped":`, t.VCUPED)
	w.floatOr(`,"tau2":`, t.Tau2)
	w.textOr(`,"lower":`, t.Lower)
	w.textOr(`,"upper":`, t.Upper)
	if t.Set != nil {
		w.key(`,"set":`)
		w.time(t.Set)
	}
	w.textOr(`,"definition":`, t.Definition)
	if t.Final != nil {
		w.key(`,"final":`)
		w.other(t.Final)
	}
	if len(w.b) == from {
		w.b = append(w.b, '{')
	} else {
		w.b[from] = '{' // the first member's comma
	}
	w.end()
}
