package results_test

import (
	"fmt"

	"github.com/tidemark/tidemark/stream/results"
)

func ExampleFormatLift() {
	lift := 0.02313
	fmt.Println(results.FormatLift(&lift, &[2]float64{0.00423, 0.04203}).Text)
	// Output: +2.3% (+0.4 … +4.2)
}

func ExampleFormatP() {
	p := 0.04996
	fmt.Println(results.FormatP(&p, 0.05))
	// Output: 0.04996
}

func ExampleParseSlices() {
	s, err := results.ParseSlices("platform,country")
	fmt.Println(s, err)
	_, err = results.ParseSlices("platform,,")
	fmt.Println(err)
	// Output:
	// platform,country <nil>
	// slices "platform,,": a dimension's name is empty (allowed: all, none, or names separated by commas)
}
