package stats_test

import (
	"fmt"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// A landing page: 17,489 of 145,274 visitors of the old one converted, 17,264 of 145,310 of the new one.
func ExampleCompare() {
	share := func(n, ones int64) *moment.Sums {
		return &moment.Sums{
			N: n, NonZero: ones, Num: moment.Int128From(ones), Num2: moment.Int192From(ones),
			Den: moment.Int128From(n), Den2: moment.Int192From(n), NumDen: moment.Int192From(ones),
		}
	}
	control, treatment := share(145274, 17489), share(145310, 17264)
	v, _ := stats.Tune(treatment, control, moment.Scale{}, 300000)
	c := stats.Compare(treatment, control, stats.Design{Direction: stats.Up, Tuning: stats.Tuning{V: v}})
	fmt.Printf("difference    %.6f ± %.6f, z %.5f, p %.6f\n", c.Difference.Value.V, c.Difference.SE.V, c.Difference.Z.V, c.Difference.P.V)
	fmt.Printf("interval      %.6f … %.6f\n", c.Difference.Interval.Low, c.Difference.Interval.High)
	fmt.Printf("always valid  %.6f … %.6f\n", c.Difference.Always.Interval.Low, c.Difference.Always.Interval.High)
	fmt.Printf("lift          %.6f (%.6f … %.6f)\n", c.Lift.Value.V, c.Lift.Interval.Low, c.Lift.Interval.High)
	fmt.Println(c.State, c.Reasons)
	// Output:
	// difference    -0.001578 ± 0.001204, z -1.31092, p 0.189884
	// interval      -0.003938 … 0.000781
	// always valid  -0.005233 … 0.002076
	// lift          -0.013110 (-0.032394 … 0.006555)
	// not_clear []
}

func ExampleSampleRatio() {
	r, _ := stats.SampleRatio([]int64{145274, 145310}, []float64{1, 1}, stats.SRMOptions{})
	fmt.Printf("χ² %.5f, p %.6f, sequential p %v: %s\n", r.Chi2.V, r.P.V, r.PSequential.V, r.State)
	// Output: χ² 0.00446, p 0.946754, sequential p 1: ok
}
