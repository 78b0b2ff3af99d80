package alert

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert/notify"
)

// running is a manager at work inside a bubble of virtual time.
type running struct {
	*Manager
	t    *testing.T
	stop context.CancelFunc
	done chan error
	pos  int64
}

func run(t *testing.T, set *catalog.Set, opt Options) *running {
	m := open(t, set, opt)
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Manager: m, t: t, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- m.Run(ctx) }()
	return r
}

// say publishes a result for the guardrail of an experiment.
func (r *running) say(experiment, word string) {
	r.t.Helper()
	r.pos++
	observe(r.t, r.Manager, outcome{experiment: experiment, at: time.Duration(r.pos) * time.Second, positions: map[string]int64{"events/0": r.pos}, subjects: 1000, words: map[string]string{"CRASHES": word}})
}

func (r *running) end() {
	r.t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		r.t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) receiver(id string) Receiver {
	for _, x := range r.Receivers() {
		if x.ID == id {
			return x
		}
	}
	r.t.Fatalf("no receiver %s", id)
	return Receiver{}
}

func (r *running) dead() []Delivery {
	r.t.Helper()
	list, err := r.DeadLetters()
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func failure(status int) func(string, int) notify.Attempt {
	return func(string, int) notify.Attempt {
		return notify.Attempt{Status: status, Verdict: notify.Classify(status), Error: fmt.Sprintf("answered %d", status)}
	}
}

// downUntil fails with 503 until the instant.
func downUntil(t time.Time) func(string, int) notify.Attempt {
	return func(string, int) notify.Attempt {
		if time.Now().Before(t) {
			return notify.Attempt{Status: 503, Verdict: notify.Retry, Error: "answered 503"}
		}
		return notify.Attempt{Status: 200, Verdict: notify.Delivered}
	}
}

func TestOutageOf72HoursLosesNothing(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			pager, chat := newRec("pager"), newRec("chat")
			pager.answer = downUntil(began.Add(72 * time.Hour))
			opt := options(vfs.NewMem(), map[string]*rec{"pager": pager, "chat": chat})
			opt.Rand = rand.New(rand.NewPCG(seed, 1))
			r := run(t, definitions(guardrailRule("crossed", "pager", "chat")), opt)
			for i := range 5 {
				r.say("one", "crossed")
				time.Sleep(time.Hour)
				r.say("one", "within")
				time.Sleep(time.Duration(i) * time.Hour)
			}
			synctest.Wait()
			if got := len(chat.delivered()); got != 10 {
				t.Fatalf("seed %d: a dead receiver held back another one's messages: %d of 10", seed, got)
			}
			time.Sleep(90 * time.Hour)
			synctest.Wait()
			want := chat.delivered()
			if got := pager.delivered(); !slices.Equal(got, want) {
				t.Errorf("seed %d: after the outage the pager has\n%v\nwant\n%v", seed, got, want)
			}
			last := pager.log()[len(pager.log())-1]
			if d := last.at.Sub(began.Add(72 * time.Hour)); d > 12*time.Hour+time.Minute {
				t.Errorf("seed %d: the last message came %v after the receiver was back", seed, d)
			}
			if n := len(r.dead()); n != 0 {
				t.Errorf("seed %d: %d dead letters", seed, n)
			}
			r.end()
		})
	}
}

func TestScheduleEndsInDeadLettersAndReplayKeepsIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		pager := newRec("pager")
		pager.answer = downUntil(began.Add(200 * time.Hour))
		fs := vfs.NewMem()
		set := definitions(guardrailRule("crossed", "pager"))
		r := run(t, set, options(fs, map[string]*rec{"pager": pager}))
		r.say("one", "crossed")
		time.Sleep(75*time.Hour - time.Minute)
		if n := len(r.dead()); n != 0 {
			t.Fatalf("gave up before 75 h: %d dead letters", n)
		}
		r.say("one", "within")
		time.Sleep(100 * time.Hour)
		dead := r.dead()
		if len(dead) != 2 || dead[0].Transition != notify.Firing || dead[1].Transition != notify.Resolved {
			t.Fatalf("dead letters: %+v", dead)
		}
		if !strings.HasPrefix(dead[0].Reason, "gave up after ") || dead[0].Tries < giveUpTries {
			t.Errorf("reason %q after %d tries", dead[0].Reason, dead[0].Tries)
		}
		if gave := dead[0].Settled.Sub(dead[0].Created); gave < giveUpAfter || gave > 100*time.Hour {
			t.Errorf("gave up after %v", gave)
		}
		// The head of the schedule: 0, 1, 2, 5, 15, 30 s and a minute, each ± 20 %.
		var gaps []time.Duration
		log := pager.log()
		for i := 1; i < 8; i++ {
			gaps = append(gaps, log[i].at.Sub(log[i-1].at))
		}
		for i, g := range gaps {
			low, high := float64(schedule[i])*(1-jitter), float64(schedule[i])*(1+jitter)
			if float64(g) < low || float64(g) > high+float64(time.Millisecond) {
				t.Errorf("try %d came %v after the one before, want %v ± 20 %%", i+2, g, schedule[i])
			}
		}
		time.Sleep(50 * time.Hour) // the receiver is back
		r.end()

		// Dead letters survive a restart; replaying the beginning replays the end as well.
		again := newRec("pager")
		r = run(t, set, options(fs, map[string]*rec{"pager": again}))
		n, err := r.Replay("pager", dead[0].ID)
		if err != nil || n != 2 {
			t.Fatalf("replayed %d, %v", n, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := again.log(); len(got) != 2 || got[0].id != dead[0].ID || got[1].id != dead[1].ID || got[0].body != string(dead[0].Body) {
			t.Errorf("replayed %+v", got)
		}
		if n := len(r.dead()); n != 0 {
			t.Errorf("%d dead letters left", n)
		}
		if n, err := r.Replay("pager"); n != 0 || err != nil {
			t.Errorf("nothing to replay: %d, %v", n, err)
		}
		if _, err := r.Replay("nobody"); err == nil {
			t.Error("replay to an unknown receiver is not refused")
		}
		r.end()
	})
}

func TestReplayOfAFireRepeatsItsDeliveredEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pager := newRec("pager")
		pager.answer = failure(400)
		r := run(t, definitions(guardrailRule("crossed", "pager")), options(vfs.NewMem(), map[string]*rec{"pager": pager}))
		r.say("one", "crossed")
		time.Sleep(time.Second)
		pager.now(nil)
		r.say("one", "within")
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(pager.log()); n != 2 {
			t.Fatalf("%d requests: a refused message is not repeated, its end is sent", n)
		}
		if n, err := r.Replay("pager"); n != 1 || err != nil {
			t.Fatalf("replayed %d, %v", n, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		log := pager.log()[2:]
		if len(log) != 2 || !strings.HasPrefix(log[0].body, "firing") || !strings.HasPrefix(log[1].body, "resolved") {
			t.Errorf("after the replay the receiver got %+v; the last word must be resolved", log)
		}
		r.end()
	})
}

func TestRetryAfterRestsTheWholeDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pager := newRec("pager")
		pager.answer = func(id string, try int) notify.Attempt {
			if len(pager.log()) == 0 {
				return notify.Attempt{Status: 429, Verdict: notify.Retry, RetryAfter: 7 * time.Second}
			}
			return notify.Attempt{Status: 200, Verdict: notify.Delivered}
		}
		fs, set := vfs.NewMem(), definitions(guardrailRule("crossed", "pager", "pager"))
		r := run(t, set, options(fs, map[string]*rec{"pager": pager}))
		began := time.Now()
		r.say("one", "crossed")
		time.Sleep(100 * time.Millisecond)
		r.say("two", "crossed") // another alert: it must wait as well
		if until := r.receiver("pager").PausedUntil; until.Sub(began) != 7*time.Second {
			t.Errorf("paused until %v after the beginning", until.Sub(began))
		}
		for _, a := range r.Alerts() {
			for _, d := range a.Deliveries {
				if next := d.NotBefore.Sub(began); d.Tries > 0 && next < 7*time.Second {
					t.Errorf("the next try is announced for %v after the beginning", next)
				}
			}
		}
		r.end() // a restart forgets nothing of it
		r = run(t, set, options(fs, map[string]*rec{"pager": pager}))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		log := pager.log()
		if len(log) != 3 {
			t.Fatalf("%d requests, want 3", len(log))
		}
		for _, s := range log[1:] {
			if d := s.at.Sub(began); d < 7*time.Second || d > 8*time.Second {
				t.Errorf("a request came %v after a 429 with Retry-After: 7", d)
			}
		}
		r.end()
	})
}

func TestTooManyRequestsWithoutAWordRestsTheDestinationToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		pager := newRec("pager")
		pager.answer = func(string, int) notify.Attempt {
			if time.Since(began) < 10*time.Second {
				return notify.Attempt{Status: 429, Verdict: notify.Retry, Error: "answered 429"}
			}
			return notify.Attempt{Status: 200, Verdict: notify.Delivered}
		}
		var rules []*catalog.Alert
		for i := range 50 {
			rules = append(rules, guardrailRule(fmt.Sprintf("rule%d", i), "pager"))
		}
		opt := options(vfs.NewMem(), map[string]*rec{"pager": pager})
		opt.Concurrency = 1
		r := run(t, definitions(rules...), opt)
		r.say("one", "crossed")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(pager.log()); n > 14 {
			t.Errorf("%d requests in ten seconds to an endpoint that answers 429 to all of them", n)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(pager.delivered()); n != 50 {
			t.Errorf("%d of 50 messages arrived", n)
		}
		r.end()
	})
}

func TestOneAlertsMessagesStayInOrderAndHoldNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pager := newRec("pager")
		poison := MessageID(Key{"crossed", "one", "CRASHES", "b"}, "crossed", 1, notify.Firing)
		pager.answer = func(id string, try int) notify.Attempt {
			if id == poison && try < 5 {
				return notify.Attempt{Status: 500, Verdict: notify.Retry}
			}
			return notify.Attempt{Status: 200, Verdict: notify.Delivered}
		}
		r := run(t, definitions(guardrailRule("crossed", "pager")), options(vfs.NewMem(), map[string]*rec{"pager": pager}))
		r.say("one", "crossed")
		r.say("one", "within")
		r.say("one", "crossed")
		r.say("two", "crossed")
		r.say("two", "within")
		time.Sleep(time.Second / 2)
		synctest.Wait()
		if got := pager.delivered(); len(got) != 2 || !strings.Contains(got[0], "/two/") || !strings.Contains(got[1], "/two/") {
			t.Errorf("one alert's failing message holds back another alert: %v", got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		got := byAlert(pager.delivered())["crossed/one/CRASHES/b"]
		if want := []string{"firing#1", "resolved#1", "firing#2"}; !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
		r.end()
	})
}

func TestSlowReceiverSlowsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pager, chat := newRec("pager"), newRec("chat")
		pager.answer = func(string, int) notify.Attempt {
			time.Sleep(30 * time.Second)
			return notify.Attempt{Status: 200, Verdict: notify.Delivered}
		}
		r := run(t, definitions(guardrailRule("crossed", "pager", "chat")), options(vfs.NewMem(), map[string]*rec{"pager": pager, "chat": chat}))
		for i := range 20 {
			began := time.Now()
			r.say("one", []string{"crossed", "within"}[i%2])
			synctest.Wait()
			log := chat.log()
			if len(log) != i+1 || log[i].at != began {
				t.Fatalf("message %d reached the quick receiver late: %d requests", i, len(log))
			}
			time.Sleep(time.Second)
		}
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if got, want := pager.delivered(), chat.delivered(); !slices.Equal(got, want) {
			t.Errorf("the slow receiver got\n%v\nwant\n%v", got, want)
		}
		r.end()
	})
}

func TestDestinationLimitIsSharedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Two receivers, one URL, one message a second.
		senders := map[string]*rec{"pager": newRec("same"), "chat": newRec("same")}
		for _, s := range senders {
			s.dest.Rate, s.dest.Burst = 1, 1
		}
		r := run(t, definitions(guardrailRule("crossed", "pager", "chat"), guardrailRule("again", "pager", "chat")), options(vfs.NewMem(), senders))
		for range 5 {
			r.say("one", "crossed")
			r.say("one", "within")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		all := slices.Concat(senders["pager"].log(), senders["chat"].log())
		slices.SortFunc(all, func(a, b sent) int { return a.at.Compare(b.at) })
		if len(all) != 40 {
			t.Fatalf("%d requests, want 40", len(all))
		}
		for i := 1; i < len(all); i++ {
			if gap := all[i].at.Sub(all[i-1].at); gap < time.Second-time.Millisecond {
				t.Fatalf("requests %d and %d are %v apart", i-1, i, gap)
			}
		}
		r.end()
	})
}

func TestGoneReceiverIsDisabledUntilEnabledOrMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		set := definitions(guardrailRule("crossed", "pager"))
		gone := newRec("pager")
		gone.answer = failure(410)
		r := run(t, set, options(fs, map[string]*rec{"pager": gone}))
		r.say("one", "crossed")
		time.Sleep(time.Second)
		r.say("one", "within")
		r.say("two", "crossed")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := len(gone.log()); n != 1 {
			t.Fatalf("%d requests to a receiver that is gone, want 1", n)
		}
		if x := r.receiver("pager"); !x.Disabled || x.Waiting != 2 || x.Dead != 1 {
			t.Errorf("receiver %+v", x)
		}
		pos := r.pos
		r.end()

		same := newRec("pager")
		r = run(t, set, options(fs, map[string]*rec{"pager": same}))
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(same.log()); n != 0 || !r.receiver("pager").Disabled {
			t.Errorf("a restart enabled it: %d requests", n)
		}
		if err := r.Enable("pager"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(same.delivered()); n != 2 {
			t.Errorf("enabled, %d messages arrived, want the 2 that waited", n)
		}
		same.now(failure(410))
		r.pos = pos
		r.say("two", "within")
		time.Sleep(time.Second)
		r.end()

		moved := newRec("elsewhere")
		r = run(t, set, options(fs, map[string]*rec{"pager": moved}))
		if r.receiver("pager").Disabled {
			t.Error("a receiver with another address is another receiver")
		}
		r.end()
	})
}

func TestRecoveredReceiverGetsWhatWaitedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		pager := newRec("pager")
		pager.answer = downUntil(began.Add(9 * time.Hour))
		r := run(t, definitions(guardrailRule("crossed", "pager")), options(vfs.NewMem(), map[string]*rec{"pager": pager}))
		r.say("one", "crossed") // waits for hours by now
		time.Sleep(9*time.Hour + time.Minute)
		r.say("two", "crossed") // arrives at once
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := pager.delivered(); len(got) != 2 {
			t.Errorf("the receiver is back and has %v", got)
		}
		r.end()
	})
}

// TestManyCallersAtOnce is for the race detector, and for what two replays of one dead letter could break.
func TestManyCallersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pager, chat := newRec("pager"), newRec("chat")
		pager.answer = func(id string, try int) notify.Attempt {
			if try == 1 {
				return failure(400)(id, try)
			}
			return notify.Attempt{Status: 200, Verdict: notify.Delivered}
		}
		r := run(t, definitions(guardrailRule("crossed", "pager", "chat")), options(vfs.NewMem(), map[string]*rec{"pager": pager, "chat": chat}))
		var callers sync.WaitGroup
		for _, id := range []string{"one", "two"} {
			callers.Go(func() {
				for i := range 40 {
					o := outcome{experiment: id, at: time.Duration(i) * time.Second, positions: map[string]int64{"events/0": int64(i + 1)}, subjects: 1000,
						words: map[string]string{"CRASHES": []string{"crossed", "within"}[i%2]}}
					if err := r.Observe(o.result()); err != nil {
						t.Error(err)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		for range 3 {
			callers.Go(func() {
				for range 60 {
					if _, err := r.Replay("pager"); err != nil {
						t.Error(err)
					}
					r.Alerts()
					r.Transitions(10)
					r.Receivers()
					r.Progress()
					if _, err := r.DeadLetters(); err != nil {
						t.Error(err)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		callers.Wait()
		if _, err := r.Replay("pager"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := len(chat.delivered()); got != 80 {
			t.Errorf("%d of 80 messages at one receiver", got)
		}
		ids := map[string]bool{}
		for _, s := range pager.log() {
			if s.ok {
				ids[s.id] = true
			}
		}
		if x := r.receiver("pager"); len(ids) != 80 || x.Waiting != 0 || x.Dead != 0 {
			t.Errorf("%d of 80 messages at the other: %+v", len(ids), x)
		}
		r.end()
	})
}

func TestClockPutBackHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs, set := vfs.NewMem(), definitions(guardrailRule("crossed", "pager"))
		pager := newRec("pager")
		pager.answer = failure(503)
		ahead := options(fs, map[string]*rec{"pager": pager})
		ahead.Now = func() time.Time { return time.Now().AddDate(1, 0, 0) }
		r := run(t, set, ahead)
		r.say("one", "crossed")
		time.Sleep(time.Second)
		r.end()
		pager.now(nil)
		r = run(t, set, options(fs, map[string]*rec{"pager": pager}))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(pager.delivered()); n != 1 {
			t.Errorf("%d messages arrived after the clock was put right", n)
		}
		r.end()
	})
}

func TestShutdownDoesNotCountAsAReceiversFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		set := definitions(guardrailRule("crossed", "pager"))
		slow := &blocking{newRec("pager")}
		opt := options(fs, nil)
		opt.Sender = func(r *catalog.Receiver) (Sender, error) { return slow, nil }
		r := run(t, set, opt)
		r.say("one", "crossed")
		time.Sleep(time.Second)
		asked := time.Now()
		r.end()
		if d := time.Since(asked); d != grace {
			t.Errorf("a request under way was given %v, want %v", d, grace)
		}
		next := newRec("pager")
		r = run(t, set, options(fs, map[string]*rec{"pager": next}))
		time.Sleep(time.Second)
		synctest.Wait()
		if got := next.delivered(); len(got) != 1 {
			t.Errorf("after the restart: %v", got)
		}
		if a := r.Alerts(); len(a) != 1 || len(a[0].Deliveries) != 1 || a[0].Deliveries[0].Tries != 1 {
			t.Errorf("alerts %+v", a)
		}
		r.end()
	})
}

func TestDeliveredIsNotRepeatedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs, set := vfs.NewMem(), definitions(guardrailRule("crossed", "pager"))
		pager := newRec("pager")
		for range 3 {
			r := run(t, set, options(fs, map[string]*rec{"pager": pager}))
			r.say("one", "crossed")
			time.Sleep(time.Hour)
			synctest.Wait()
			if x := r.receiver("pager"); x.Waiting != 0 {
				t.Errorf("%d messages wait", x.Waiting)
			}
			r.end()
		}
		if n := len(pager.log()); n != 1 {
			t.Errorf("%d requests for one message and three lives", n)
		}
	})
}

// blocking answers when it is cut off.
type blocking struct{ *rec }

func (b *blocking) Send(ctx context.Context, id string, body []byte) notify.Attempt {
	<-ctx.Done()
	return notify.Attempt{At: time.Now(), Verdict: notify.Retry, Error: ctx.Err().Error()}
}

func TestQueueIsBoundedAndNothingIsDroppedUncounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pager := newRec("pager")
		pager.answer = failure(503)
		opt := options(vfs.NewMem(), map[string]*rec{"pager": pager})
		opt.MaxWaiting = 4
		r := run(t, definitions(guardrailRule("crossed", "pager")), opt)
		for range 5 {
			r.say("one", "crossed")
			r.say("one", "within")
		}
		if x := r.receiver("pager"); x.Waiting != 4 || x.Dead != 6 {
			t.Errorf("receiver %+v, want 4 waiting and 6 dead", x)
		}
		if d := r.dead()[0]; !strings.HasPrefix(d.Reason, "queue_full") {
			t.Errorf("reason %q", d.Reason)
		}
		pager.now(nil)
		time.Sleep(time.Hour)
		if n, err := r.Replay("pager"); n != 6 || err != nil {
			t.Fatalf("replayed %d, %v", n, err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(pager.delivered()); n != 10 {
			t.Errorf("%d of 10 messages arrived", n)
		}
		r.end()
	})
}

func TestRemovedReceiverLeavesDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		set := definitions(guardrailRule("crossed", "pager"))
		down := newRec("pager")
		down.answer = failure(503)
		r := run(t, set, options(fs, map[string]*rec{"pager": down}))
		r.say("one", "crossed")
		r.end()
		without := definitions(guardrailRule("crossed", "chat"))
		without.Receivers = without.Receivers[:1] // only chat
		r = run(t, without, options(fs, map[string]*rec{}))
		dead := r.dead()
		if len(dead) != 2 || dead[0].Reason != "receiver_removed" {
			t.Fatalf("dead letters %+v", dead)
		}
		r.end()
		back := newRec("pager")
		r = run(t, set, options(fs, map[string]*rec{"pager": back}))
		if n, err := r.Replay("pager"); err != nil || n < 1 {
			t.Fatalf("replayed %d, %v", n, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := back.delivered(); len(got) < 1 || !strings.HasPrefix(got[0], "firing") {
			t.Errorf("the receiver is back and has %v", got)
		}
		r.end()
	})
}

func TestDeliveredAndDeadAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		pager, chat := newRec("pager"), newRec("chat")
		chat.answer = failure(400)
		opt := options(fs, map[string]*rec{"pager": pager, "chat": chat})
		opt.KeepDelivered, opt.KeepDead, opt.KeepTransitions = 5, 3, 7
		set := definitions(guardrailRule("crossed", "pager", "chat"))
		r := run(t, set, opt)
		for range 10 {
			r.say("one", "crossed")
			r.say("one", "within")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := len(r.dead()); n != 3 {
			t.Errorf("%d dead letters, want 3", n)
		}
		if n := len(r.Transitions(100)); n != 7 {
			t.Errorf("%d transitions, want 7", n)
		}
		r.end()
		r = run(t, set, opt) // what is on disk is what was in memory
		if a := r.Alerts(); len(a) != 1 || len(a[0].Deliveries) != 8 {
			t.Errorf("%d deliveries on record, want 5 and 3", len(a[0].Deliveries))
		}
		if n := len(r.Transitions(100)); n != 7 {
			t.Errorf("%d transitions after a restart, want 7", n)
		}
		if a := r.Alerts()[0]; a.Episode != 10 {
			t.Errorf("episode %d, want 10", a.Episode)
		}
		r.end()
	})
}
