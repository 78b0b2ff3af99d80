package results

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/tidemark/tidemark/catalog"
)

// Slices says which groupings of an experiment's dimensions are evaluated. The zero value is the default: the whole
// and each dimension by itself.
type Slices struct {
	Mode       SlicesMode
	Dimensions []string // for NamedSlices
}

// SlicesMode is how Slices choose groupings.
type SlicesMode uint8

const (
	// DefaultSlices are the groupings of at most one dimension.
	DefaultSlices SlicesMode = iota
	// NoSlices is the whole only.
	NoSlices
	// AllSlices are all 2^d groupings.
	AllSlices
	// NamedSlices are all groupings of the dimensions named, the whole among them.
	NamedSlices
)

// ParseSlices reads the text of a flag or query parameter: "all", "none", "a,b", or "" for the default.
func ParseSlices(text string) (Slices, error) {
	switch text {
	case "":
		return Slices{}, nil
	case "all":
		return Slices{Mode: AllSlices}, nil
	case "none":
		return Slices{Mode: NoSlices}, nil
	}
	s := Slices{Mode: NamedSlices}
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			return Slices{}, fmt.Errorf("slices %q: a dimension's name is empty (allowed: all, none, or names separated by commas)", text)
		}
		if !slices.Contains(s.Dimensions, name) {
			s.Dimensions = append(s.Dimensions, name)
		}
	}
	return s, nil
}

// String returns the text that ParseSlices reads.
func (s Slices) String() string {
	switch s.Mode {
	case NoSlices:
		return "none"
	case AllSlices:
		return "all"
	case NamedSlices:
		return strings.Join(s.Dimensions, ",")
	}
	return ""
}

// Masks returns the groupings of experiment x that s asks for, fewer dimensions first, then in the order of the
// dimensions; the whole (0) is always the first. Names that are not dimensions of x are an error that lists those
// that are; the groupings of the others are returned with it.
func (s Slices) Masks(x *catalog.PlanExperiment) ([]uint, error) {
	all := uint(1)<<len(x.Dimensions) - 1
	allowed, most := all, len(x.Dimensions)
	var err error
	switch s.Mode {
	case DefaultSlices:
		most = 1
	case NoSlices:
		most = 0
	case NamedSlices:
		allowed = 0
		for _, name := range s.Dimensions {
			i := slices.IndexFunc(x.Dimensions, func(d catalog.PlanDimension) bool { return d.Name == name })
			if i < 0 {
				err = fmt.Errorf("experiment %s has no dimension %q; it has %s", x.ID, name, dimensionNames(x))
				continue
			}
			allowed |= 1 << i
		}
	}
	var masks []uint
	for m := uint(0); m <= all; m++ {
		if m&^allowed == 0 && bits.OnesCount(m) <= most {
			masks = append(masks, m)
		}
	}
	slices.SortFunc(masks, compareMasks)
	return masks, err
}

// compareMasks orders groupings: fewer dimensions first, then the one with the earlier dimension.
func compareMasks(a, b uint) int {
	if c := bits.OnesCount(a) - bits.OnesCount(b); c != 0 {
		return c
	}
	if a == b {
		return 0
	}
	if bits.TrailingZeros(a^b) == bits.TrailingZeros(a&(a^b)) {
		return -1
	}
	return 1
}

func dimensionNames(x *catalog.PlanExperiment) string {
	if len(x.Dimensions) == 0 {
		return "none"
	}
	names := make([]string, len(x.Dimensions))
	for i, d := range x.Dimensions {
		names[i] = d.Name
	}
	return strings.Join(names, ", ")
}
