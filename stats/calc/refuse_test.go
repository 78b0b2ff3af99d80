package calc

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

const (
	fine  = `{"n": 200, "sum_num": 50, "sum_num2": 50}`
	arms  = `"control": ` + fine + `, "treatment": ` + fine
	ratio = `{"n": 4, "sum_num": 4, "sum_num2": 6, "sum_den": 8, "sum_den2": 20, "sum_numden": 9}`
)

// TestWhatWouldBeReadOtherwiseIsRefused holds every answer to what was written: nothing that is missing, doubled or out of range
// becomes a number in silence. Each message must name the field.
func TestWhatWouldBeReadOtherwiseIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		`{"p": [0.01, null]}`:                          "p[1] is null",
		`{"counts": [10, null]}`:                       "counts[1] is null",
		`{"control": null, "treatment": ` + fine + `}`: "control is null",
		`{"p": [0.1], "p": [0.2]}`:                     "p is there twice",
		`{` + arms + `, "control": ` + fine + `}`:      "control is there twice",
		`{"control": {"n": 1, "n": 2}}`:                "control.n is there twice",
		`{"P": [0.1]}`:                                 `there is no field "P"`,
		`{"control": {"N": 1}}`:                        `control has no field "N"`,
		`{"control": {"power": 1}}`:                    `control has no field "power"`,
		`{"tuning": {"v": 1, "vv": 2}}`:                `tuning has no field "vv"`,
		`[1]`:                                          "the request is a JSON array, it must be an object",
		`null`:                                         "the request is null",
		`{"p": 0.1}`:                                   "p is a JSON number, it must be a list",
		`{"p": [1e999]}`:                               "it must be a number",
		`{"p": []}`:                                    "p is an empty list",
		`{"p": [NaN]}`:                                 "byte ",

		`{"control": {"sum_num": 1, "sum_num2": 1}, "treatment": ` + fine + `}`:                                                                                                       "control has no n",
		`{"control": ` + fine + `, "treatment": {"n": 200, "sum_num": 50}}`:                                                                                                           "treatment has no sum_num2",
		`{"control": ` + fine + `, "treatment": {"n": 200}}`:                                                                                                                          "treatment has no sum_num",
		`{"control": {"n": 200, "sum_num": 50, "sum_num2": ""}, "treatment": ` + fine + `}`:                                                                                           "control.sum_num2 is empty",
		`{"control": {"n": 200, "sum_num": true, "sum_num2": 1}, "treatment": ` + fine + `}`:                                                                                          "control.sum_num is true",
		`{"control": {"n": 200, "sum_num": {}, "sum_num2": 1}, "treatment": ` + fine + `}`:                                                                                            "control.sum_num must be a decimal number",
		`{"control": {"n": 200, "sum_num": 50, "sum_num2": 50, "sum_den": 300}, "treatment": ` + fine + `}`:                                                                           "control has denominators, but no sum_den2",
		`{"control": {"n": 200, "sum_num": 50, "sum_num2": 50, "sum_den2": 300}, "treatment": ` + fine + `}`:                                                                          "control has denominators, but no sum_den",
		`{"control": ` + ratio + `, "treatment": {"n": 4, "sum_num": 4, "sum_num2": 6}}`:                                                                                              "treatment has no sum_den, sum_den2 and sum_numden",
		`{"control": {"n": 4, "sum_num": 4, "sum_num2": 6, "sum_pre": 3}, "treatment": ` + fine + `}`:                                                                                 "control has a pre-period, but no sum_pre2",
		`{"control": {"n": 4, "sum_num": 4, "sum_num2": 6, "sum_pre": 3, "sum_pre2": 3}, "treatment": ` + fine + `}`:                                                                  "no sum_numpre",
		`{"control": {"n": 4, "sum_num": 4, "sum_num2": 6, "sum_pre": 4, "sum_pre2": 6, "sum_numpre": 5}, "treatment": ` + fine + `}`:                                                 "treatment has no pre-period",
		`{"control": {"n": 4, "sum_num": 4, "sum_num2": 6, "sum_den": 8, "sum_den2": 20, "sum_numden": 9, "sum_pre": 4, "sum_pre2": 6, "sum_numpre": 5}, "treatment": ` + ratio + `}`: "no sum_denpre",
		`{"control": {"n": -4, "sum_num": 4, "sum_num2": 6}, "treatment": ` + fine + `}`:                                                                                              "control has n = -4",
		`{"control": {"n": 4, "nonzero": 5, "sum_num": 4, "sum_num2": 6}, "treatment": ` + fine + `}`:                                                                                 "control has nonzero = 5",
		`{"control": {"n": 4, "nonzero": 0, "sum_num": 4, "sum_num2": 6}, "treatment": ` + fine + `}`:                                                                                 "nonzero is 0, but sum_num2 is 6",
		`{"control": {"n": 0, "sum_num": 4}, "treatment": ` + fine + `}`:                                                                                                              "control has no subjects, but sum_num = 4",

		`{"control": {"n": 10, "sum_num": 100, "sum_num2": 1}, "treatment": ` + fine + `}`:                                               "control: sum_num2 is 1, smaller than sum_num²/n = 1000: no 10 values have these sums",
		`{"control": {"n": 4, "sum_num": 4, "sum_num2": 6, "sum_den": 8, "sum_den2": 20, "sum_numden": 99}, "treatment": ` + ratio + `}`: "control: sum_numden is 99, further from sum_num·sum_den/n than sum_num2 and sum_den2 allow",

		`{"tuning": {"v": 1, "tau2": 1}, ` + arms + `}`:        "tuning has both v and tau2",
		`{"tuning": {"v": -1}, ` + arms + `}`:                  "tuning.v is -1",
		`{"tuning": {"tau2": -1}, ` + arms + `}`:               "tuning.tau2 is -1",
		`{"tuning": {"tau2": 0}, ` + arms + `}`:                "tuning.tau2 is 0",
		`{"tuning": {"tau2": 1}, "subjects": 5, ` + arms + `}`: "subjects and tuning",
		`{"subjects": -7, ` + arms + `}`:                       "subjects is -7",
		`{"subjects": 0, ` + arms + `}`:                        "subjects is 0",
		`{"limit": {"value": 0}, ` + arms + `}`:                "limit is 0; its sign is the harmful direction",
		`{"alpha": 0, "p": [0.1]}`:                             "alpha is 0",
		`{"alpha": 1, "p": [0.1]}`:                             "alpha is 1",
		`{"alpha": -0.05, "p": [0.1]}`:                         "alpha is -0.05",
		`{"alpha": 1e-320, "p": [0.1]}`:                        "alpha is 1e-320",
		`{"subjects": 7, "p": [0.1]}`:                          "subjects goes with control and treatment",
		`{"limit": {"value": 1}, "p": [0.1]}`:                  "limit goes with control and treatment",
		`{"weights": [1, 2], "p": [0.1]}`:                      "weights go with counts",
		`{"correction": "holm", "counts": [1, 2]}`:             "correction goes with p",
		`{"counts": [1000]}`:                                   "counts has 1",
		`{"counts": []}`:                                       "counts has 0",
		`{"counts": [1000, 1], "weights": [1, 0]}`:             "weights has 1 above 0",
		`{"counts": [1000, 1], "weights": [1, -1]}`:            "weights[1] is -1",
		`{"e": [-1]}`:                 "e[0] is -1",
		`{"e": [1], "log_e": [0]}`:    "e and log_e are the same thing",
		`{"e": [1], "p": [0.1, 0.2]}`: "p has 2 hypotheses and e 1",

		`{"power": {"sd": -1, "effect": 0.1}}`:                             "sd is -1",
		`{"power": {"sd": 0, "effect": 0.1}}`:                              "sd is 0",
		`{"power": {"var": -1, "effect": 0.1}}`:                            "var is -1",
		`{"power": {"sd": 1, "var": 1, "effect": 0.1}}`:                    "sd and var",
		`{"power": {"rate": 0, "effect": 0.1}}`:                            "rate is 0",
		`{"power": {"rate": 1, "effect": 0.1}}`:                            "rate is 1",
		`{"power": {"rate": -0.1, "effect": 0.1}}`:                         "rate is -0.1",
		`{"power": {"sd": 1, "effect": 0}}`:                                "effect is 0",
		`{"power": {"sd": 1, "n": 1}}`:                                     "n is 1",
		`{"power": {"sd": 1, "n": 1e17}}`:                                  "n is 1e+17",
		`{"power": {"sd": 1, "effect": 1, "power": 1}}`:                    "power is 1",
		`{"power": {"sd": 1, "effect": 1, "power": 0.01}}`:                 "no effect at all is found more often",
		`{"power": {"sd": 1, "n": 100, "power": 0.025}}`:                   "no effect at all is found more often",
		`{"power": {"n": 2270984472526458, "rate": 0.137, "subjects": 1}}`: "subjects is 1, where the always-valid interval is tightest: too few",
		`{"power": {"sd": 1e6, "effect": 1, "share": 1e9, "subjects": 1}}`: "subjects is 1, where the always-valid interval is tightest: too few",
		`{"power": {"sd": 1, "effect": 1, "share": 0}}`:                    "share is 0",
		`{"power": {"sd": 1, "effect": 1, "subjects": -2}}`:                "subjects is -2",
		`{"power": {"sd": 1, "effect": 1e-9}}`:                             "needs more than 2^53 subjects",
		`{"power": {"sd": 1, "effect": 1e-300}}`:                           "too small",
		`{"power": {"sd": 1e200, "effect": 1}}`:                            "the variance of one subject's value is",
		`{"power": {"sd": 1, "effect": null}}`:                             "power.effect is null",
	} {
		if a, err := ask(t, text); !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s\nanswers %+v, %v; want an error with %q", text, a, err, says)
		} else if strings.Contains(err.Error(), "corrupt") {
			t.Errorf("%s: %v: the request is wrong, not a state", text, err)
		}
	}
	bad := math.NaN()
	for name, r := range map[string]Request{
		"limit": {Limit: &Limit{Value: bad}}, "v": {Tuning: Tuning{V: &bad}}, "tau2": {Tuning: Tuning{Tau2: &bad}}, "alpha": {Alpha: &bad},
		"infinite": {Limit: &Limit{Value: math.Inf(1)}},
		"sd":       {Power: &Power{SD: &bad}}, "rate": {Power: &Power{Rate: &bad}}, "effect": {Power: &Power{Effect: &bad}}, "value": {Power: &Power{Value: &bad}},
	} {
		if r.Power == nil {
			n, sum := int64(200), Sum("50")
			r.Control = &Arm{N: &n, SumNum: sum, SumNum2: sum}
			r.Treatment = r.Control
		}
		if a, err := Run(r); !errors.Is(err, ErrRequest) {
			t.Errorf("%s that is no number: %+v, %v", name, a, err)
		}
	}
}

// TestPublishedArmsArePastedAsTheyAre: a mean's denominators are its subjects, its pre-period has one product more, and there are nulls
// where nothing could be estimated.
func TestPublishedArmsArePastedAsTheyAre(t *testing.T) {
	arm := `{"n": 4, "nonzero": 3, "sum_num": "4.5", "sum_den": "4", "sum_num2": "7.25", "sum_den2": "4", "sum_numden": "4.5",
		"sum_pre": "4", "sum_pre2": "6", "sum_numpre": "5", "sum_denpre": "4", "value": null, "se": null, "sketch_error": null, "approximate": 1}`
	mean := `{"n": 4, "sum_num": 4.5, "sum_num2": 7.25, "sum_pre": 4, "sum_pre2": 6, "sum_numpre": 5}`
	a, err := ask(t, `{"control": `+arm+`, "treatment": `+arm+`}`)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ask(t, `{"control": `+mean+`, "treatment": `+arm+`}`)
	if err != nil || a.CUPED == nil || b.CUPED == nil || *a.CUPED.Theta != *b.CUPED.Theta {
		t.Errorf("with and without a mean's denominators: %+v, %+v, %v", a.CUPED, b.CUPED, err)
	}
}

// TestEBHIsOverEvalues: an ordinary p is no 1/e. With four p of .02, 1/p would be 50 ≥ 4/(4·.05) and all rejected; calibrated, each is
// worth e = 3.1. Vovk & Wang's calibrator against its definition, the mean of κ·p^(κ−1) over κ, by the midpoint rule.
func TestEBHIsOverEvalues(t *testing.T) {
	a, err := ask(t, `{"p": [0.02, 0.02, 0.02, 0.02], "correction": "e-bh"}`)
	if err != nil || len(a.Multiplicity.EBH) != 4 || a.Multiplicity.EBH[0] || a.Multiplicity.Calibrator == "" || a.Multiplicity.Holm != nil {
		t.Fatalf("%+v, %v", a.Multiplicity, err)
	}
	for i, p := range []float64{0.02, 1e-6, 0.5, 0.9, 0.9995, 1} {
		const steps = 200000
		mean := 0.0
		for j := range steps {
			k := (float64(j) + .5) / steps
			mean += k * math.Pow(p, k-1) / steps
		}
		b, _ := json.Marshal([]float64{p})
		c, err := ask(t, `{"p": `+string(b)+`, "correction": "ebh"}`)
		if err != nil || math.Abs(c.Multiplicity.LogE[0]-math.Log(mean)) > 1e-8 {
			t.Errorf("%d: ln e of p = %v is %v, want %v; %v", i, p, c.Multiplicity.LogE, math.Log(mean), err)
		}
	}
	// p = 0 is still a number in JSON; published e-values are taken as they are, however they are written.
	if zero, err := ask(t, `{"p": [0, 1], "correction": "ebh"}`); err != nil || !zero.Multiplicity.EBH[0] || zero.Multiplicity.EBH[1] {
		t.Errorf("p = 0: %+v, %v", zero, err)
	} else if _, err := json.Marshal(zero); err != nil {
		t.Error(err)
	}
	for _, text := range []string{`{"log_e": [4.2, 0]}`, `{"e": [66.7, 1], "correction": "ebh"}`, `{"e": [66.7, 0]}`} {
		b, err := ask(t, text)
		if err != nil || !b.Multiplicity.EBH[0] || b.Multiplicity.EBH[1] || b.Multiplicity.Calibrator != "" {
			t.Errorf("%s: %+v, %v", text, b, err)
		}
	}
}

// TestPlansSayBothArms and never a part of a subject that can't have a standard error.
func TestPlansSayBothArms(t *testing.T) {
	a, err := ask(t, `{"power": {"value": 1, "sd": 1, "effect": 0.1, "share": 0.5}}`)
	if err != nil {
		t.Fatal(err)
	}
	f := a.Power.Fixed
	// (1.959964 + .8416212)²·(1 + 1/.5)/.01
	near(t, "control", f.N, 2354.66, 1)
	near(t, "treatment", f.NTreatment, 1177.33, 1)
	near(t, "both", f.NTotal, 3531.99, 1)
	b, err := ask(t, `{"power": {"sd": 1, "effect": 1000, "share": 0.5}}`)
	if err != nil || *b.Power.Fixed.N != 4 || *b.Power.Fixed.NTreatment != 2 {
		t.Errorf("%+v, %v", b, err)
	}
}
