package calc

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/stats"
)

func ask(t *testing.T, text string) (*Answer, error) {
	t.Helper()
	r, err := Decode(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	return Run(r)
}

func near(t *testing.T, what string, got *float64, want float64, digits int) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > .500001*math.Pow10(-digits) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestRowOfTheDesign(t *testing.T) {
	// DESIGN §3.1: figures of the udacity landing page.
	a, err := ask(t, `{"control": {"n": 145274, "sum_num": "17489", "sum_den": "145274", "sum_num2": "17489", "sum_den2": "145274", "sum_numden": "17489"},
		"treatment": {"n": 145310, "sum_num": 17264, "sum_num2": 17264}, "counts": [145274, 145310]}`)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "control", a.Control.Value, .120386, 6)
	near(t, "its se", a.Control.SE, .000853772, 9)
	near(t, "difference", a.Difference.Value, -.00157824, 8)
	near(t, "z", a.Difference.Z, -1.31092, 5)
	near(t, "p", a.Difference.P, .189884, 6)
	near(t, "low", &a.Difference.Interval[0], -.00393787, 8)
	near(t, "welch p", a.Welch.P, .189885, 6)
	near(t, "df", a.Welch.DF, 290571.7, 1)
	near(t, "lift", a.Lift.Value, -.0131098, 7)
	near(t, "lift low", &a.Lift.Interval[0], -.0323936, 7)
	near(t, "chi2", a.SRM.Chi2, .00446, 5)
	near(t, "srm p", a.SRM.P, .946754, 6)
	near(t, "srm sequential p", a.SRM.PSequential, 1, 6)
	if a.State != "not_clear" || a.SRM.State != "ok" || a.Tuning == nil || a.Difference.IntervalAlways == nil || len(a.Reasons) != 0 {
		t.Errorf("%+v", a)
	}
}

func TestRatioAndPrePeriodKeepEveryDecimal(t *testing.T) {
	// GrowthBook packages/stats/tests/frequentist/test_tests.py, CUPED of a ratio: −.0007, se .00391.
	a, err := ask(t, `{"lift": "delta",
	"control": {"n": 100, "sum_num": 485.112236689623, "sum_num2": 2715.484664118136, "sum_den": 679.9093275844917, "sum_den2": 4939.424001640236,
		"sum_numden": 3602.146836776702, "sum_pre": 192.59138069991536, "sum_pre2": 460.076026390857, "sum_preden": 290.1398399750233,
		"sum_preden2": 920.9461385038898, "sum_numpre": 1113.6215759318352, "sum_denpreden": 2130.9404074446747, "sum_prepreden": 634.239482353647,
		"sum_numpreden": 1559.2878434944676, "sum_denpre": 1460.3181079276983},
	"treatment": {"n": 100, "sum_num": 514.7757826608777, "sum_num2": 2994.897482705013, "sum_den": 705.4090874383759, "sum_den2": 5291.36604146392,
		"sum_numden": 3918.1561431600717, "sum_pre": 206.94157227402536, "sum_pre2": 514.2903702246757, "sum_preden": 302.54389139107326,
		"sum_preden2": 994.4506208125663, "sum_numpre": 1237.0953021125997, "sum_denpreden": 2292.081739775257, "sum_prepreden": 698.4173425817908,
		"sum_numpreden": 1701.0287270040265, "sum_denpre": 1604.0759503266522}}`)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "θ", a.CUPED.Theta, .8290044, 7)
	near(t, "lift", a.CUPED.Lift.Value, -.00070148333, 11)
	near(t, "its se", a.CUPED.Lift.SE, .00391, 5)
}

func TestScaleIsFoundFromSquares(t *testing.T) {
	// The values were .5 and .5 and 0 …: one decimal, though Σ has none.
	a, err := ask(t, `{"control": {"n": 4, "sum_num": 1, "sum_num2": 0.5}, "treatment": {"n": 4, "sum_num": "1.0", "sum_num2": "0.50"}}`)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "value", a.Control.Value, .25, 15)
	near(t, "se", a.Control.SE, math.Sqrt(.25/12), 15)
}

func TestCUPEDIsTunedByItself(t *testing.T) {
	arm := `{"n": 1000, "sum_num": 5000, "sum_num2": 30000, "sum_pre": 5000, "sum_pre2": 30000, "sum_numpre": 29000}`
	a, err := ask(t, `{"control": `+arm+`, "treatment": `+arm+`, "subjects": 2000}`)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "θ", a.CUPED.Theta, .8, 12)
	// At the planned size, so both are at their tightest.
	near(t, "k", a.Difference.K, 3.035, 3)
	near(t, "adjusted k", a.CUPED.Difference.K, 3.035, 3)
	if *a.CUPED.Difference.SE > .61**a.Difference.SE {
		t.Errorf("se %v, adjusted %v", *a.Difference.SE, *a.CUPED.Difference.SE)
	}
}

func TestGuardrailTuningAndMultiplicity(t *testing.T) {
	arm := `{"n": 50000, "nonzero": 5000, "sum_num": "5000", "sum_num2": "5000"}`
	a, err := ask(t, `{"direction": "down", "tuning": {"tau2": 0.0001}, "limit": {"value": 0.05, "relative": true}, "control": `+arm+`,
		"treatment": {"n": 50000, "sum_num": "6500", "sum_num2": "6500"}, "p": [0.01, 0.04, 0.03, 0.005, 0.55, 0.6], "log_e": [4.2, 0, 0, 0, 0, 0], "alpha": 0.1}`)
	if err != nil {
		t.Fatal(err)
	}
	if a.State != "worse" || a.Guardrail.State != "crossed" || !(*a.Guardrail.NonInferiority.PAlways > .9) || a.Guardrail.NonInferiority.Verdict != "not_shown" || a.Guardrail.Unit != "relative" || *a.Tuning.Tau2 != .0001 {
		t.Errorf("%s, %+v, %+v", a.State, a.Guardrail, a.Tuning)
	}
	m := a.Multiplicity
	near(t, "Holm", &m.Holm[1], .12, 12)
	near(t, "BH", &m.BH[0], .03, 12)
	near(t, "Bonferroni", &m.Bonferroni[3], .03, 12)
	if !m.EBH[0] || m.EBH[1] {
		t.Errorf("e-BH rejects %v", m.EBH)
	}
	// No difference at all, and a limit of half of the value: it is shown to be within.
	within, err := ask(t, `{"limit": {"value": 0.5, "relative": true}, "control": `+arm+`, "treatment": `+arm+`}`)
	if err != nil || within.Guardrail.State != "within" || within.Guardrail.NonInferiority.Verdict != "shown" || !(*within.Guardrail.NonInferiority.BoundAlways < 0) {
		t.Errorf("%+v, %v", within.Guardrail, err)
	}
	few, err := ask(t, `{"control": {"n": 500, "nonzero": 3, "sum_num": 3, "sum_num2": 3}, "treatment": `+arm+`}`)
	if err != nil || few.State != "collecting" || strings.Join(few.Reasons, " ") != "few_nonzero lift_unbounded" || few.Difference.P == nil {
		t.Errorf("%+v, %v", few, err)
	}
}

func TestPowerForBothTests(t *testing.T) {
	// ep-stats: 2 arms, MDE 10 %, mean .2, sd 1.2 → 56,512 an arm.
	a, err := ask(t, `{"power": {"value": 0.2, "var": 1.44, "effect": 0.1, "relative": true}}`)
	if err != nil {
		t.Fatal(err)
	}
	if n := math.Ceil(*a.Power.Fixed.N); n != 56512 || a.Power.Fixed.Power != nil {
		t.Errorf("fixed: %v, %v", n, a.Power.Fixed)
	}
	// At the tightest point k is 3.035: (3.035 + .8416)²/(1.96 + .8416)² = 1.915 times as many.
	if x := *a.Power.Sequential.N / *a.Power.Fixed.N; math.Abs(x-1.915) > .002 || math.Abs(a.Power.Sequential.K-3.035) > .001 {
		t.Errorf("sequential: %v times as many, k %v", x, a.Power.Sequential.K)
	}
	b, err := ask(t, `{"power": {"value": -0.2, "var": 1.44, "effect": -0.1, "relative": true, "n": 56512, "subjects": 10000}}`)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "power", b.Power.Fixed.Power, .8, 5)
	near(t, "MDE", b.Power.Fixed.MDE, .1, 5)
	if !(*b.Power.Sequential.Power < .45) || !(*b.Power.Sequential.MDE > .13) || !(b.Power.Sequential.K > 3.2) {
		t.Errorf("sequential: %+v", b.Power.Sequential)
	}
}

func TestRequestsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":                 {`{}`, ErrRequest},
		"an alpha of 2":           {`{"alpha": 2, "p": [0.1]}`, ErrRequest},
		"one arm":                 {`{"control": {"n": 1}}`, ErrRequest},
		"a sum that is a list":    {`{"control": {"n": 1, "sum_num": []}}`, ErrRequest},
		"a sum with an exponent":  {`{"control": {"n": 1, "sum_num": 1e3, "sum_num2": 1}, "treatment": {"n": 1, "sum_num": 1, "sum_num2": 1}}`, ErrRequest},
		"too many decimals":       {`{"control": {"n": 2, "sum_num": 0.1234567890123456789, "sum_num2": 1}, "treatment": {"n": 1, "sum_num": 1, "sum_num2": 1}}`, ErrRequest},
		"a sum of 40 digits":      {`{"control": {"n": 2, "sum_num": "1000000000000000000000000000000000000000", "sum_num2": 1}, "treatment": {"n": 1, "sum_num": 1, "sum_num2": 1}}`, ErrRequest},
		"a negative variance":     {`{"control": {"n": 10, "sum_num": 100, "sum_num2": 1}, "treatment": {"n": 1, "sum_num": 1, "sum_num2": 1}}`, ErrRequest},
		"an unknown direction":    {`{"direction": "left", "control": {"n": 1, "sum_num": 1, "sum_num2": 1}, "treatment": {"n": 1, "sum_num": 1, "sum_num2": 1}}`, ErrRequest},
		"an unknown lift":         {`{"lift": "log", "control": {"n": 1, "sum_num": 1, "sum_num2": 1}, "treatment": {"n": 1, "sum_num": 1, "sum_num2": 1}}`, ErrRequest},
		"three counts, 2 weights": {`{"counts": [1, 2, 3], "weights": [1, 1]}`, stats.ErrWeights},
		"a p of 2":                {`{"p": [2]}`, ErrRequest},
		"power of nothing":        {`{"power": {"var": 1}}`, ErrRequest},
	} {
		if a, err := ask(t, c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestAnswersAreAlwaysJSON(t *testing.T) {
	for _, text := range []string{
		`{"control": {"n": 0}, "treatment": {"n": 0}}`,
		`{"control": {"n": 1, "sum_num": 5, "sum_num2": 25}, "treatment": {"n": 3, "sum_num": 0, "sum_num2": 0}, "counts": [0, 0]}`,
		`{"control": {"n": 5, "sum_num": 5, "sum_num2": 5, "sum_den": 0, "sum_den2": 0, "sum_numden": 0},
			"treatment": {"n": 3, "sum_num": 3, "sum_num2": 3, "sum_den": 3, "sum_den2": 3, "sum_numden": 3}}`,
	} {
		a, err := ask(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, err := json.Marshal(a); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestGoalsAndOthersHaveHalfEach: as stream/results divides alpha. Of p = .004 for the one goal and .3, .02, .6 for the others Holm's steps are
// .004 and 3·.02, 2·.3, .6, each over half of alpha.
func TestGoalsAndOthersHaveHalfEach(t *testing.T) {
	for _, c := range []struct {
		goals string
		holm  []float64
		bonf  []float64
	}{
		{`, "goals": 1`, []float64{.008, 1, .12, 1}, []float64{.008, 1, .12, 1}},
		{`, "goals": 3`, []float64{.024, .6, .08, 1}, []float64{.024, 1, .12, 1}},
		{`, "goals": 4`, []float64{.016, .6, .06, .6}, []float64{.016, 1, .08, 1}},
		{`, "goals": 0`, []float64{.016, .6, .06, .6}, []float64{.016, 1, .08, 1}},
		{``, []float64{.016, .6, .06, .6}, []float64{.016, 1, .08, 1}},
	} {
		a, err := ask(t, `{"p": [0.004, 0.3, 0.02, 0.6]`+c.goals+`}`)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.holm {
			near(t, c.goals+" Holm", &a.Multiplicity.Holm[i], c.holm[i], 12)
			near(t, c.goals+" Bonferroni", &a.Multiplicity.Bonferroni[i], c.bonf[i], 12)
		}
	}
	for text, says := range map[string]string{
		`{"p": [0.1], "goals": 2}`: "goals is 2", `{"p": [0.1], "goals": -1}`: "goals is -1", `{"counts": [1, 2], "goals": 1}`: "goals goes with p",
		`{"p": [0.1], "goals": 1, "correction": "bh"}`: "knows no kinds",
	} {
		if _, err := ask(t, text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	e, err := ask(t, `{"e": [60, 1.2, 30], "alpha": 0.05}`) // 3/60 = .05; 3/(2·30) = .05; 3/(3·1.2)
	if err != nil || len(e.Multiplicity.EBHAdjusted) != 3 {
		t.Fatalf("%+v, %v", e, err)
	}
	near(t, "e-BH", &e.Multiplicity.EBHAdjusted[0], .05, 12)
	near(t, "e-BH", &e.Multiplicity.EBHAdjusted[1], 1/1.2, 12)
	near(t, "e-BH", &e.Multiplicity.EBHAdjusted[2], .05, 12)
}

// TestAdjustedDifferenceHasItsOwnTuning, and the Student mixture is asked for by name.
func TestAdjustedDifferenceHasItsOwnTuning(t *testing.T) {
	arm := func(sum string) string {
		return `{"n": 1000, "sum_num": ` + sum + `, "sum_num2": 30000, "sum_pre": 5000, "sum_pre2": 30000, "sum_numpre": 29000}`
	}
	arms := `"control": ` + arm("5000") + `, "treatment": ` + arm("5100")
	get := func(more string) *Answer {
		a, err := ask(t, "{"+arms+more+"}")
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	own := get(`, "subjects": 2000`)
	v, cuped := *own.Tuning.V, *own.Tuning.VCUPED
	if !(cuped < v) {
		t.Errorf("v* %v, adjusted %v", v, cuped)
	}
	b, _ := json.Marshal(own.Tuning)
	again, one := get(`, "tuning": `+string(b)), get(fmt.Sprintf(`, "tuning": {"v": %v}`, v))
	if got, want := fmt.Sprint(*again.CUPED.Difference.K, *again.Difference.K), fmt.Sprint(*own.CUPED.Difference.K, *own.Difference.K); got != want {
		t.Errorf("by its own tuning again k is %s instead of %s", got, want)
	}
	if *one.CUPED.Difference.K == *own.CUPED.Difference.K || *one.Tuning.VCUPED != v {
		t.Errorf("the adjusted difference has v* %v whatever is asked", *one.Tuning.VCUPED)
	}
	normal, student := get(`, "mixture": "normal", "subjects": 2000`), get(`, "mixture": "student", "subjects": 2000`)
	test := stats.Test{Value: stats.Known(*own.Difference.Value), SE: stats.Known(*own.Difference.SE), Z: stats.Known(*own.Difference.Z)}
	near(t, "student", student.Difference.K, stats.Tuning{V: v}.StudentMixture(test, 1000, 1000, .05).K.V, 12)
	if *normal.Difference.K != *own.Difference.K || !(*student.Difference.K > *normal.Difference.K) {
		t.Errorf("k %v, normal %v, student %v", *own.Difference.K, *normal.Difference.K, *student.Difference.K)
	}
	for text, says := range map[string]string{
		`{"control": {"n": 9}, "treatment": {"n": 9}, "mixture": "cauchy"}`: "mixture is",
		`{` + arms + `, "tuning": {"v_cuped": 3}}`:                          "goes with tuning.v",
		`{` + arms + `, "tuning": {"v": 3, "v_cuped": -3}}`:                 "v_cuped is -3",
		`{"counts": [1, 2], "mixture": "student"}`:                          "mixture goes with control",
		`{"control": {"n": 9, "sum_num": 9, "sum_num2": 9}, "treatment": {"n": 9, "sum_num": 9, "sum_num2": 9}, "tuning": {"v": 3, "v_cuped": 3}}`: "sums of the pre-period",
	} {
		if _, err := ask(t, text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
