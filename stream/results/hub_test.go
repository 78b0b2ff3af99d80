package results

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// numbered is a result with a row for each value; a nil slice of rows is none.
func numbered(id string, values map[string]float64) *Result {
	r := &Result{Experiment: id, Rows: []Row{}}
	names := make([]string, 0, len(values))
	for n := range values {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		v := values[n]
		r.Rows = append(r.Rows, Row{Metric: n, Variant: "b", Control: "a", Slice: map[string]string{}, Difference: Difference{Value: &v}})
	}
	return r
}

func TestHubKeepsTheLatest(t *testing.T) {
	h := NewHub()
	if _, ok := h.Latest("x"); ok {
		t.Error("a result before the first")
	}
	h.Publish(numbered("y", nil))
	h.Publish(numbered("x", map[string]float64{"m": 1}))
	second := numbered("x", map[string]float64{"m": 2})
	h.Publish(second)
	if r, ok := h.Latest("x"); !ok || r != second {
		t.Error("not the latest")
	}
	if all := h.All(); len(all) != 2 || all[0] != second || all[1].Experiment != "y" {
		t.Errorf("all: %v", all)
	}
}

// A subscriber first gets everything, then what changed, and the union of it if it was slow.
func TestSubscriptionCoalesces(t *testing.T) {
	h := NewHub()
	h.Publish(numbered("x", map[string]float64{"a": 1, "b": 1, "c": 1, "d": 1}))
	h.Publish(numbered("other", map[string]float64{"a": 1}))
	s := h.Subscribe("x")
	defer s.Close()
	u := s.Take()
	if len(u) != 1 || u[0].Result.Experiment != "x" || !slices.Equal(u[0].Changed, []int{0, 1, 2, 3}) {
		t.Fatalf("first: %+v", u)
	}
	if len(s.Take()) != 0 {
		t.Error("the same again")
	}
	h.Publish(numbered("x", map[string]float64{"a": 2, "b": 1, "c": 1, "d": 1}))
	h.Publish(numbered("x", map[string]float64{"a": 2, "b": 1, "c": 3, "e": 1})) // d goes, e comes
	h.Publish(numbered("x", map[string]float64{"a": 2, "b": 1, "c": 3, "e": 1}))
	h.Publish(numbered("other", map[string]float64{"a": 9}))
	u = s.Take()
	if len(u) != 1 || !slices.Equal(u[0].Changed, []int{0, 2, 3}) || !slices.Equal(u[0].Removed, []string{"d/all/b"}) || *u[0].Result.Rows[2].Difference.Value != 3 {
		t.Fatalf("union: %+v", u)
	}
	h.Publish(numbered("x", map[string]float64{"a": 2, "b": 1, "c": 3, "d": 1, "e": 1}))
	h.Publish(numbered("x", map[string]float64{"a": 2, "b": 1, "c": 3, "e": 1})) // d was here while nobody looked
	if u = s.Take(); len(u) != 1 || len(u[0].Changed) != 0 || !slices.Equal(u[0].Removed, []string{"d/all/b"}) {
		t.Fatalf("came and went: %+v", u)
	}
	h.Publish(numbered("x", map[string]float64{"a": 2, "b": 1, "e": 1}))
	h.Publish(numbered("x", map[string]float64{"a": 2, "b": 1, "c": 3, "e": 1})) // c was away while nobody looked
	if u = s.Take(); len(u) != 1 || !slices.Equal(u[0].Changed, []int{2}) || len(u[0].Removed) != 0 {
		t.Fatalf("went and came: %+v", u)
	}
	h.Publish(numbered("x", map[string]float64{"a": 2, "b": 1, "c": 3, "e": 1}))
	if u = s.Take(); len(u) != 1 || len(u[0].Changed)+len(u[0].Removed) != 0 {
		t.Errorf("a result without news is an update without rows: %+v", u)
	}
}

func TestSubscriptionEnds(t *testing.T) {
	h := NewHub()
	a, b := h.Subscribe(), h.Subscribe()
	h.Publish(numbered("x", nil))
	a.Close()
	a.Close()
	if _, err := a.Next(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	h.Close()
	if u, err := b.Next(context.Background()); err != nil || u.Result.Experiment != "x" {
		t.Errorf("the last update of a closed hub: %v", err)
	}
	if _, err := b.Next(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("after it: %v", err)
	}
	if _, err := h.Subscribe().Next(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("of a closed hub: %v", err)
	}
	h.Publish(numbered("y", nil))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := NewHub().Subscribe().Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// Next wakes up for what comes later.
func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		s := h.Subscribe()
		defer s.Close()
		got := make(chan Update)
		go func() {
			for range 3 {
				u, err := s.Next(t.Context())
				if err != nil {
					t.Error(err)
				}
				got <- u
			}
		}()
		for i := range 3 {
			synctest.Wait()
			h.Publish(numbered(fmt.Sprint("x", i), nil))
			if u := <-got; u.Result.Experiment != fmt.Sprint("x", i) {
				t.Errorf("got %s", u.Result.Experiment)
			}
		}
	})
}

// However slow a subscriber is, what it has put together from its updates is the latest result, and nobody waits for it.
func TestHubUnderManySubscribers(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	h := NewHub()
	var publishers, readers sync.WaitGroup
	const ids = 3
	for i := range ids {
		publishers.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			values := map[string]float64{}
			for range 300 {
				k := fmt.Sprint("m", rng.IntN(6))
				if rng.IntN(4) == 0 {
					delete(values, k)
				} else {
					values[k] = float64(rng.IntN(3))
				}
				h.Publish(numbered(fmt.Sprint("x", i), values))
			}
		})
	}
	for i := range 8 {
		s := h.Subscribe()
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
			shown := map[string]map[string]float64{}
			apply := func(u Update) {
				rows := shown[u.Result.Experiment]
				if rows == nil {
					rows = map[string]float64{}
					shown[u.Result.Experiment] = rows
				}
				for _, k := range u.Removed {
					delete(rows, k)
				}
				for _, at := range u.Changed {
					rows[u.Result.Rows[at].Key()] = *u.Result.Rows[at].Difference.Value
				}
				if len(rows) != len(u.Result.Rows) {
					t.Errorf("shows %d rows of %d", len(rows), len(u.Result.Rows))
				}
				for at := range u.Result.Rows {
					r := &u.Result.Rows[at]
					if v, ok := rows[r.Key()]; !ok || v != *r.Difference.Value {
						t.Errorf("row %s shows %g, is %g", r.Key(), v, *r.Difference.Value)
					}
				}
			}
			for {
				u, err := s.Next(context.Background())
				if err != nil {
					break
				}
				apply(u)
				if rng.IntN(3) == 0 {
					for _, u := range s.Take() {
						apply(u)
					}
				}
			}
			if len(shown) != ids {
				t.Errorf("saw %d experiments", len(shown))
			}
		})
	}
	publishers.Wait()
	h.Close()
	readers.Wait()
}

func TestParseSlices(t *testing.T) {
	x := newLab().dimension(0, "a", "b", "c").x()
	for _, c := range []struct {
		text  string
		masks []uint
		bad   bool
	}{
		{"", []uint{0, 1, 2, 4}, false},
		{"none", []uint{0}, false},
		{"all", []uint{0, 1, 2, 4, 3, 5, 6, 7}, false},
		{"b", []uint{0, 2}, false},
		{"c,a", []uint{0, 1, 4, 5}, false},
		{"c, a,c", []uint{0, 1, 4, 5}, false},
		{"a,,b", nil, true},
		{",", nil, true},
		{"a,typo", []uint{0, 1}, true},
	} {
		s, err := ParseSlices(c.text)
		var masks []uint
		if err == nil {
			masks, err = s.Masks(x)
			if again, err2 := ParseSlices(s.String()); err2 != nil || again.String() != s.String() {
				t.Errorf("%q: String %q does not come back", c.text, s.String())
			}
		}
		if !slices.Equal(masks, c.masks) || (err != nil) != c.bad {
			t.Errorf("%q: %v %v, want %v", c.text, masks, err, c.masks)
		}
	}
}

func TestKeysEscape(t *testing.T) {
	r := Row{Metric: "a/b", Variant: "v=1", Slice: map[string]string{"z": "1,2", "a%": "x/y\n"}}
	if got := r.Key(); got != "a%2Fb/a%25=x%2Fy%0A,z=1%2C2/v%3D1" {
		t.Error(got)
	}
}
