// Package pagerduty sends notifications as events of PagerDuty's Events API v2: a firing alert triggers an incident,
// its resolution resolves it. It imports sink/alert/notify and nothing of the engine.
// Invariants: (1) trigger and resolve of one episode carry one dedup_key, so a repeated delivery is one incident and
// a later episode a new one; (2) the routing key is put in when sending and is never in what Render returns.
package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	api "github.com/PagerDuty/go-pagerduty"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// DefaultURL is where events go.
const DefaultURL = "https://events.pagerduty.com/v2/enqueue"

// Limits of the Events API v2, in characters.
const (
	maxSummary  = 1024
	maxDedupKey = 255
	maxDetail   = 1024 // our own: no single detail is longer, which keeps an event far below 512 KB
)

// PagerDuty takes about 120 events a minute and routing key. 30 at once and 1.5 a second stay below it in any minute.
const (
	rate  = 1.5
	burst = 30
)

// Sender posts to one integration.
type Sender struct {
	client  *notify.Client
	url     string
	keyFile string
	dest    notify.Destination
}

// New returns a sender for the routing key in keyFile, which is read again for every attempt. An empty url is
// PagerDuty's own; one without a path gets /v2/enqueue.
func New(client *notify.Client, endpoint, keyFile string) (*Sender, error) {
	if endpoint == "" {
		endpoint = DefaultURL
	}
	u, err := client.Policy().CheckURL(endpoint)
	if err != nil {
		return nil, fmt.Errorf("pagerduty: %w", err)
	}
	if u.Path == "" || u.Path == "/" {
		endpoint = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/v2/enqueue"}).String()
	}
	s := &Sender{client: client, url: endpoint, keyFile: keyFile}
	key, err := s.key()
	if err != nil {
		return nil, err
	}
	s.dest = notify.Destination{ID: notify.Fingerprint("pagerduty", endpoint, key.Reveal()), Name: u.Host, Rate: rate, Burst: burst}
	return s, nil
}

// Destination of the sender.
func (s *Sender) Destination() notify.Destination { return s.dest }

func (s *Sender) key() (notify.Secret, error) {
	keys, err := notify.ReadSecrets(s.keyFile)
	if err != nil {
		return notify.Secret{}, fmt.Errorf("pagerduty: %w", err)
	}
	if len(keys) > 1 {
		return notify.Secret{}, fmt.Errorf("pagerduty: %s has %d keys; a receiver has one routing key", s.keyFile, len(keys))
	}
	return keys[0], nil
}

// Render gives the event without its routing key.
func (s *Sender) Render(n *notify.Notification) ([]byte, error) {
	if len(n.Key) > maxDedupKey {
		return nil, fmt.Errorf("pagerduty: dedup_key has %d characters, the limit is %d", len(n.Key), maxDedupKey)
	}
	e := api.V2Event{Action: "resolve", DedupKey: n.Key}
	if n.Transition == notify.Firing {
		e.Action = "trigger"
		e.Client, e.ClientURL = "Tidemark", n.Link
		e.Links = links(n)
		e.Payload = &api.V2Payload{
			Summary:   notify.Truncate(n.Summary, maxSummary),
			Source:    "tidemark/" + n.Experiment,
			Severity:  severity(n.Severity),
			Timestamp: n.At.UTC().Format(time.RFC3339Nano),
			Component: n.Metric,
			Group:     n.Experiment,
			Class:     string(n.Kind),
			Details:   details(n),
		}
	}
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("pagerduty: encode event: %w", err)
	}
	return body, nil
}

// severity maps the catalog's words, which are PagerDuty's own; anything else must not keep an alert from paging.
func severity(word string) string {
	switch word {
	case "critical", "error", "warning", "info":
		return word
	}
	return "error"
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

func links(n *notify.Notification) []any {
	var l []any
	if n.Link != "" {
		l = append(l, link{n.Link, "Open " + n.Experiment})
	}
	if n.Runbook != "" {
		l = append(l, link{n.Runbook, "Runbook"})
	}
	return l
}

// details are the facts under the summary; encoding/json sorts a map's keys, so equal facts give equal bytes.
func details(n *notify.Notification) map[string]string {
	d := map[string]string{}
	for _, f := range []struct{ name, text string }{
		{"alert", n.Rule}, {"event_id", n.ID}, {"experiment", n.Experiment}, {"owner", n.Owner},
		{"metric", n.Name()}, {"role", n.Role}, {"variant", n.Variant}, {"control", n.Control},
		{"state", n.State}, {"lift", n.Lift}, {"limit", n.Limit}, {"interval_always", n.Interval},
		{"control_value", n.ControlValue}, {"variant_value", n.VariantValue}, {"p_always", n.P},
		{"subjects", n.Subjects}, {"control_subjects", n.ControlSubjects}, {"variant_subjects", n.VariantSubjects},
		{"srm", n.SRMState}, {"srm_p", n.SRMP}, {"worst_slice", n.WorstSlice}, {"caution", n.Caution}, {"data_age", n.Lag},
		{"since", n.Since.UTC().Format(time.RFC3339)}, {"definition", n.Definition},
	} {
		if f.text != "" {
			d[f.name] = notify.Truncate(f.text, maxDetail)
		}
	}
	return d
}

// Send posts the event once. Only 202 is PagerDuty's yes: another 2xx comes from something in between.
func (s *Sender) Send(ctx context.Context, _ string, body []byte) notify.Attempt {
	key, err := s.key()
	if err != nil {
		return notify.Attempt{At: s.client.Now(), Verdict: notify.Retry, Error: err.Error()}
	}
	body, err = withKey(body, key)
	if err != nil {
		return notify.Attempt{At: s.client.Now(), Verdict: notify.Dead, Error: err.Error()}
	}
	a := s.client.Post(ctx, notify.NewSecret(s.url), http.Header{}, body, key)
	if a.Verdict == notify.Delivered && a.Status != http.StatusAccepted {
		a.Verdict, a.Error = notify.Retry, fmt.Sprintf("%s answered %d; PagerDuty accepts with 202", s.dest.Name, a.Status)
	}
	return a
}

// withKey puts the routing key in front of a rendered event.
func withKey(body []byte, key notify.Secret) ([]byte, error) {
	var e api.V2Event
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("pagerduty: decode stored event: %w", err)
	}
	if strings.ContainsAny(key.Reveal(), " \t") {
		return nil, errors.New("pagerduty: the routing key has a blank in it")
	}
	e.RoutingKey = key.Reveal()
	return json.Marshal(e)
}
