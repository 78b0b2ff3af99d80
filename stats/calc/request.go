package calc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// ErrRequest: the request can't be answered; the message names the field and what is wrong with it.
var ErrRequest = errors.New("bad request")

// MinAlpha is the smallest error rate that can be asked for: so far out no table of the normal distribution describes data.
const MinAlpha = 1e-12

// Request is a question. Each part that is given is answered: Control with Treatment, Counts, P and LogE, Power. What is nil is not
// given; a number that is given is never taken for one that is not.
type Request struct {
	Alpha     *float64 `json:"alpha,omitempty"`     // default 0.05
	Direction string   `json:"direction,omitempty"` // up, down, none; default up
	Lift      string   `json:"lift,omitempty"`      // fieller, delta, log_delta; default fieller
	// Tuning of the always-valid test: v* or τ². Without it Subjects, default 10,000, tunes it by the sums themselves.
	Tuning   Tuning `json:"tuning,omitzero"`
	Subjects *int64 `json:"subjects,omitempty"`
	Mixture  string `json:"mixture,omitempty"` // normal, student; default normal
	Limit    *Limit `json:"limit,omitempty"`

	Control   *Arm `json:"control,omitempty"`
	Treatment *Arm `json:"treatment,omitempty"`

	Counts  []int64   `json:"counts,omitempty"`  // exposed subjects by variant
	Weights []float64 `json:"weights,omitempty"` // planned; default equal

	P    []float64 `json:"p,omitempty"`     // p-values to adjust
	E    []float64 `json:"e,omitempty"`     // e-values of as many hypotheses, for e-BH
	LogE []float64 `json:"log_e,omitempty"` // the same as ln e
	// Correction is the only one to answer by: bonferroni, holm, bh or ebh (e-bh is the same). Without it each that what is given can
	// be answered by. Of p-values alone ebh calibrates e-values first (stats.CalibratedLogE).
	Correction string `json:"correction,omitempty"`
	// Goals are how many of P, the first, are of goals: bonferroni and holm then give half of alpha to the goals and half to the others,
	// as an experiment does. Without it all are of one kind.
	Goals *int `json:"goals,omitempty"`

	Power *Power `json:"power,omitempty"`
}

// Tuning is one of v* and τ². VCUPED is v* of the adjusted difference, default V.
type Tuning struct {
	V      *float64 `json:"v,omitempty"`
	VCUPED *float64 `json:"v_cuped,omitempty"`
	Tau2   *float64 `json:"tau2,omitempty"`
}

// Limit is a guardrail's.
type Limit struct {
	Value    float64 `json:"value"`
	Relative bool    `json:"relative"`
}

// Arm has the sums of one variant, as published: decimal numbers, as text or as numbers. Without denominators it is a mean.
type Arm struct {
	N         *int64 `json:"n"`
	NonZero   *int64 `json:"nonzero,omitempty"` // subjects whose numerator is not 0; without it that rule is passed over
	SumNum    Sum    `json:"sum_num"`
	SumNum2   Sum    `json:"sum_num2"`
	SumDen    Sum    `json:"sum_den,omitempty"`
	SumDen2   Sum    `json:"sum_den2,omitempty"`
	SumNumDen Sum    `json:"sum_numden,omitempty"`
	// The pre-period, for CUPED.
	SumPre       Sum `json:"sum_pre,omitempty"`
	SumPre2      Sum `json:"sum_pre2,omitempty"`
	SumNumPre    Sum `json:"sum_numpre,omitempty"`
	SumDenPre    Sum `json:"sum_denpre,omitempty"`
	SumPreDen    Sum `json:"sum_preden,omitempty"`
	SumPreDen2   Sum `json:"sum_preden2,omitempty"`
	SumPrePreDen Sum `json:"sum_prepreden,omitempty"`
	SumNumPreDen Sum `json:"sum_numpreden,omitempty"`
	SumDenPreDen Sum `json:"sum_denpreden,omitempty"`

	// Published arms have more; it is passed over, so that one can be pasted as it is.
	Value       any `json:"value,omitempty"`
	SE          any `json:"se,omitempty"`
	SketchError any `json:"sketch_error,omitempty"`
	Approximate any `json:"approximate,omitempty"`
	Overflowed  any `json:"overflowed,omitempty"`
}

// Sum is an exact decimal number, "" if it is not given.
type Sum string

// UnmarshalJSON takes "12.5" and 12.5, and keeps the digits as they are.
func (s *Sum) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err == nil {
		*s = Sum(text)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("a sum is a decimal number, not %s: %w", b, ErrRequest)
	}
	*s = Sum(n)
	return nil
}

// decimals returns how many digits stand behind the point, without trailing zeros.
func (s Sum) decimals() int {
	_, frac, _ := strings.Cut(string(s), ".")
	return len(strings.TrimRight(frac, "0"))
}

// mean says that the arm has no denominators.
func (a *Arm) mean() bool { return a.SumDen == "" && a.SumDen2 == "" && a.SumNumDen == "" }

// maxScale keeps squares, at twice the scale, and their sums within 192 bits.
const maxScale = 18

// scaleOf returns the least scales that hold every sum of the arms.
func scaleOf(arms ...*Arm) (moment.Scale, error) {
	var sc moment.Scale
	for _, a := range arms {
		for _, s := range []Sum{a.SumNum, a.SumPre} {
			sc.Num = max(sc.Num, s.decimals())
		}
		for _, s := range []Sum{a.SumNum2, a.SumPre2, a.SumNumPre} {
			sc.Num = max(sc.Num, (s.decimals()+1)/2)
		}
		for _, s := range []Sum{a.SumDen, a.SumPreDen} {
			sc.Den = max(sc.Den, s.decimals())
		}
		for _, s := range []Sum{a.SumDen2, a.SumPreDen2, a.SumDenPreDen} {
			sc.Den = max(sc.Den, (s.decimals()+1)/2)
		}
	}
	for _, a := range arms {
		for _, s := range []Sum{a.SumNumDen, a.SumDenPre, a.SumPrePreDen, a.SumNumPreDen} {
			sc.Num = max(sc.Num, s.decimals()-sc.Den)
		}
	}
	if sc.Num > maxScale || sc.Den > maxScale {
		return sc, fmt.Errorf("sums with %d and %d decimals, at most %d can be kept exactly: %w", sc.Num, sc.Den, maxScale, ErrRequest)
	}
	return sc, nil
}

// sums reads the arm's sums.
func (a *Arm) sums(name string, sc moment.Scale) (*moment.Sums, error) {
	subjects := *a.N
	s := &moment.Sums{N: subjects, NonZero: subjects}
	if a.NonZero != nil {
		s.NonZero = *a.NonZero
	}
	var err error
	read := func(field string, text Sum, scale int) moment.Int192 {
		if text == "" {
			return moment.Int192{}
		}
		x, e := moment.Parse(string(text), scale)
		if e != nil && err == nil {
			err = fmt.Errorf("%s.%s is %q; it must be a decimal number that %d decimals leave within 192 bits: %w", name, field, text, scale, ErrRequest)
		}
		return x
	}
	sum := func(field string, text Sum, scale int) moment.Int128 {
		x, ok := read(field, text, scale).Narrow()
		if !ok && err == nil {
			err = fmt.Errorf("%s.%s is %s, which is too large: %w", name, field, text, ErrRequest)
		}
		return x
	}
	n, d := sc.Num, sc.Den
	s.Num, s.Num2 = sum("sum_num", a.SumNum, n), read("sum_num2", a.SumNum2, 2*n)
	s.Den, s.Den2, s.NumDen = sum("sum_den", a.SumDen, d), read("sum_den2", a.SumDen2, 2*d), read("sum_numden", a.SumNumDen, n+d)
	s.Before = moment.Before{
		Pre: sum("sum_pre", a.SumPre, n), Pre2: read("sum_pre2", a.SumPre2, 2*n),
		PreDen: sum("sum_preden", a.SumPreDen, d), PreDen2: read("sum_preden2", a.SumPreDen2, 2*d),
		NumPre: read("sum_numpre", a.SumNumPre, 2*n), DenPre: read("sum_denpre", a.SumDenPre, n+d),
		PrePreDen: read("sum_prepreden", a.SumPrePreDen, n+d), NumPreDen: read("sum_numpreden", a.SumNumPreDen, n+d),
		DenPreDen: read("sum_denpreden", a.SumDenPreDen, 2*d),
	}
	if a.mean() {
		s.Den, s.Den2, s.NumDen = moment.Int128From(subjects), moment.Int192From(subjects), s.Num.Wide()
		s.Before.DenPre, s.Before.DenPreDen = s.Before.Pre.Wide(), s.Before.PreDen.Wide()
	}
	if err == nil {
		err = a.possible(name)
	}
	if err == nil && s.Check() != nil {
		err = fmt.Errorf("%s: no %d subjects have these sums: %w", name, subjects, ErrRequest)
	}
	return s, err
}

// student is the mixture that knows the variance to be estimated.
const student = "student"

// design returns how the request wants its arms compared.
func (r *Request) design(sc moment.Scale) stats.Design {
	d := stats.Design{Scale: sc, Alpha: r.alpha(), Direction: stats.Direction(r.Direction), Lift: stats.LiftMethod(r.Lift)}
	if r.Direction == "" {
		d.Direction = stats.Up
	}
	if r.Tuning.V != nil {
		d.Tuning.V = *r.Tuning.V
	}
	if r.Tuning.Tau2 != nil {
		d.Tuning.Tau2 = *r.Tuning.Tau2
	}
	d.CUPEDTuning = d.Tuning
	if r.Tuning.VCUPED != nil {
		d.CUPEDTuning.V = *r.Tuning.VCUPED
	}
	d.Boundary.Student = r.Mixture == student
	if r.Limit != nil {
		d.Limit = &stats.Limit{Value: r.Limit.Value, Relative: r.Limit.Relative}
	}
	return d
}

func (r *Request) alpha() float64 {
	if r.Alpha == nil {
		return 0.05
	}
	return *r.Alpha
}
