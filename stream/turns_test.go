package stream

import (
	"testing"
	"testing/synctest"
	"time"
)

func given(a *turn) bool {
	select {
	case <-a.begins():
		return true
	default:
		return false
	}
}

// Turns go to whoever has most to read, but nobody waits for long.
func TestTurnsGoToTheSlowest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1)
		first := turns.ask(0)
		live, behind, further := turns.ask(1), turns.ask(100), turns.ask(1000)
		if !given(first) || given(live) || given(behind) || given(further) {
			t.Fatal("one processor gives one turn")
		}
		turns.done()
		if given(live) || given(behind) || !given(further) {
			t.Error("the second turn is not that of the shard with most to read")
		}
		time.Sleep(longWait)
		turns.done()
		if !given(live) || given(behind) {
			t.Error("a shard waits on though it has waited for long")
		}
	})
}

// A turn that is not wanted any more goes to another, whether it has begun or not.
func TestTurnsGoBack(t *testing.T) {
	turns := newTurns(1)
	first, second, third := turns.ask(0), turns.ask(5), turns.ask(1)
	turns.cancel(second)
	turns.cancel(first)
	if !given(third) {
		t.Fatal("the last of three has no turn")
	}
	turns.cancel(third)
	turns.cancel(nil)
	if a := turns.ask(0); !given(a) || turns.free != 0 {
		t.Errorf("all were given back, and the next one waits (%d free)", turns.free)
	}
}
