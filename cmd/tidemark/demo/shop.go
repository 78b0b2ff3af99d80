package demo

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// Truth is what a user of the demo can check the engine against: the effects that the shop's traffic really has.
const Truth = `True effects in this traffic:
  search_rerank   a winner: every click is 12 % likelier in rerank, and its searches take 2 % longer
  button_colour   an A/A test: no effect at all
  free_shipping   a broken split: one in seven control users is never logged
  one_click       buying is 10 % likelier at first; 40 s after the start its checkout breaks: 40 % of checkouts fail instead of
                  2 %, the guardrail is crossed, and with these orders missing its buyers and revenue fall below control's
`

const (
	days          = 14               // of history before the demo started
	rerankAfter   = 4                // days of them in which there was no search_rerank yet: its pre-period
	historyVisits = 30_000           // over those days
	liveVisits    = 300              // a second, once the clock has caught up
	maxVisits     = 3_000            // in one step
	fastForward   = 28 * time.Second // the time the history takes
	breaksAfter   = 40 * time.Second // of the demo's life
	lateShare     = 0.02             // of events arrive up to 10 minutes after they happened
	twiceShare    = 0.01             // of events are sent twice
)

// record is one event on its way to a topic.
type record struct {
	topic   string
	user    string
	value   []byte
	arrives time.Time // on the event clock; Kafka's timestamp
}

// pending orders records by arrival.
type pending []record

func (p pending) Len() int           { return len(p) }
func (p pending) Less(i, j int) bool { return p[i].arrives.Before(p[j].arrives) }
func (p pending) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *pending) Push(x any)        { *p = append(*p, x.(record)) }
func (p *pending) Pop() any {
	last := len(*p) - 1
	r := (*p)[last]
	*p = (*p)[:last]
	return r
}

// shop makes the traffic. Everything about visit n follows from the seed and n, so a shop that was killed goes on
// from its counters.
type shop struct {
	Seed   uint64 `json:"seed"`
	Visits uint64 `json:"visits"` // made so far
	Users  uint64 `json:"users"`  // that have visited

	queue pending
}

// mix is splitmix64: a user's fixed properties are hashes of the user and a salt.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func share(user, salt uint64) float64 { return float64(mix(user*31+salt)>>11) / (1 << 53) }

func pick(at float64, of ...string) string { return of[int(at*float64(len(of)))] }

// arm is the user's variant of an experiment; logged says whether the exposure is ever recorded.
func arm(user, salt uint64, treatment string) (variant string, treated bool) {
	if share(user, salt) < 0.5 {
		return "control", false
	}
	return treatment, true
}

// moments of the shop's life.
type moments struct {
	rerank time.Time // when search_rerank starts
	breaks time.Time // when one_click's checkout starts to fail
}

// visit adds the events of one visit that begins at time t.
func (s *shop) visit(t time.Time, at moments) {
	rng := rand.New(rand.NewPCG(s.Seed, s.Visits))
	user := s.Users
	if s.Users > 100 && rng.Float64() < 0.5 {
		user = rng.Uint64N(s.Users)
	} else {
		s.Users++
	}
	v := visit{shop: s, rng: rng, number: s.Visits, user: fmt.Sprintf("u%07d", user), t: t}
	s.Visits++

	rerankVariant, reranked := arm(user, 1, "rerank")
	asked := !t.Before(at.rerank) // before that nobody is in search_rerank, and nobody's results are ranked anew
	reranked = reranked && asked
	colour, _ := arm(user, 2, "green")
	shipping, banner := arm(user, 3, "banner")
	click, oneClick := arm(user, 4, "one_click")
	country, platform := pick(share(user, 10), "DE", "FR", "GB", "KR", "US"), pick(share(user, 11), "android", "ios", "web")

	exposure := func(experiment, variant string) {
		v.send("exposures", fmt.Sprintf(`"experiment":%q,"variant":%q,"device":{"platform":%q},"country":%q`, experiment, variant, platform, country))
	}
	if asked {
		exposure("search_rerank", rerankVariant)
	}
	exposure("button_colour", colour)
	if banner || share(user, 12) > 1.0/7 {
		exposure("free_shipping", shipping)
	}
	exposure("one_click", click)

	clicks, slower := 0.04+0.12*share(user, 13), 1.0
	if reranked {
		clicks, slower = clicks*1.12, 1.02
	}
	for page := 1; page == 1 || rng.Float64() < 0.7; page++ {
		v.wait(2 * time.Second)
		v.send("impressions", fmt.Sprintf(`"kind":"impression","page":%d,"took_ms":%.1f`, page, slower*math.Exp(4.5+0.5*rng.NormFloat64())))
		if rng.Float64() < clicks {
			v.wait(time.Second)
			v.send("impressions", fmt.Sprintf(`"kind":"click","page":%d`, page))
		}
	}

	buys := 0.25 + 0.4*share(user, 14)
	if oneClick {
		buys *= 1.1
	}
	if rng.Float64() >= buys {
		return
	}
	fails := 0.02
	if oneClick && v.t.After(at.breaks) {
		fails = 0.4
	}
	v.wait(3 * time.Second)
	ok := rng.Float64() >= fails
	took := math.Exp(6 + 0.4*rng.NormFloat64())
	v.send("checkout", fmt.Sprintf(`"ok":%t,"took_ms":%.1f`, ok, took))
	if !ok {
		return
	}
	total := math.Exp(2.4 + 1.2*share(user, 15) + 0.7*rng.NormFloat64()) // some always buy more than others
	v.number++                                                           // an order has an id of its own
	v.send("orders", fmt.Sprintf(`"status":"PAID","order":{"id":"o%d","total":%.2f,"category":%q}`, v.number*7, total,
		pick(rng.Float64(), "books", "garden", "kitchen", "music", "sport", "toys")))
	v.number--
}

// visit in the making.
type visit struct {
	shop   *shop
	rng    *rand.Rand
	number uint64
	sent   int
	user   string
	t      time.Time
}

func (v *visit) wait(mean time.Duration) {
	v.t = v.t.Add(time.Duration(float64(mean) * v.rng.ExpFloat64()))
}

// send queues an event; a few arrive late and a few twice, as in life.
func (v *visit) send(topic, fields string) {
	v.sent++
	id := strconv.FormatUint(v.number, 36) + "-" + strconv.Itoa(v.sent)
	value := fmt.Appendf(nil, `{"id":%q,"ts":%d,"user_id":%q,%s}`, id, v.t.UnixMilli(), v.user, fields)
	r := record{topic: topic, user: v.user, value: value, arrives: v.t.Add(time.Duration(v.rng.IntN(800)) * time.Millisecond)}
	if topic != "exposures" && v.rng.Float64() < lateShare {
		r.arrives = r.arrives.Add(time.Duration(v.rng.Float64() * float64(10*time.Minute)))
	}
	heap.Push(&v.shop.queue, r)
	if v.rng.Float64() < twiceShare {
		r.arrives = r.arrives.Add(3 * time.Second)
		heap.Push(&v.shop.queue, r)
	}
}

// due takes the records that arrive until now.
func (s *shop) due(now time.Time) []record {
	var out []record
	for len(s.queue) > 0 && !s.queue[0].arrives.After(now) {
		out = append(out, heap.Pop(&s.queue).(record))
	}
	return out
}
