// Package webhook sends notifications to an HTTP endpoint as JSON signed by Standard Webhooks 1.0. It owns the body's
// shape (Message, documented in FORMAT.md) and the signature. It imports sink/alert/notify and nothing of the engine.
// Invariants: (1) webhook-id is the notification's id and the body its rendered bytes, in every attempt; only the
// timestamp and so the signature differ; (2) what is signed is exactly what is sent.
package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// MaxBody is the largest body that is sent, in bytes; the recommendation of Standard Webhooks.
const MaxBody = 20 << 10

// Message is the body: an envelope of Standard Webhooks around the facts.
type Message struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"` // experiment.alert.firing, experiment.alert.resolved
	Timestamp time.Time `json:"timestamp"`
	Schema    int       `json:"schema"` // 1; grows when a field changes its meaning
	Data      Data      `json:"data"`
}

// Data is what happened.
type Data struct {
	AlertID    string            `json:"alert_id"` // of the episode: firing and resolved share it
	Episode    int64             `json:"episode"`
	State      notify.Transition `json:"state"`
	Reason     string            `json:"reason"`
	Severity   string            `json:"severity"`
	Summary    string            `json:"summary"`
	Rule       Rule              `json:"rule"`
	Experiment Experiment        `json:"experiment"`
	Metric     *Metric           `json:"metric,omitempty"`
	Result     *Result           `json:"result,omitempty"`
	Health     Health            `json:"health"`
	Times      Times             `json:"times"`
	Links      Links             `json:"links"`
}

// Rule is the catalog's alert.
type Rule struct {
	ID   string      `json:"id"`
	Kind notify.Kind `json:"kind"`
}

// Experiment that it is about.
type Experiment struct {
	ID         string           `json:"id"`
	Name       string           `json:"name,omitempty"`
	Owner      string           `json:"owner,omitempty"`
	Definition string           `json:"definition,omitempty"`
	Subjects   map[string]int64 `json:"subjects,omitempty"`
}

// Metric and arm that it is about; absent for srm and stale.
type Metric struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	Role    string `json:"role"`
	Variant string `json:"variant"`
	Control string `json:"control"`
}

// Result of the metric when the state changed. Numbers are raw, texts are what every other surface shows.
type Result struct {
	State    string      `json:"state"`
	Lift     *float64    `json:"lift"`
	Interval *[2]float64 `json:"interval_always"`
	P        *float64    `json:"p_always"`
	// PAdjusted is the p after the experiment's Correction, where it has one; Warnings are the row's, as codes.
	PAdjusted  *float64 `json:"p_adjusted,omitempty"`
	Correction string   `json:"correction,omitempty"`
	Warnings   []string `json:"warnings,omitempty"`
	Limit      *float64 `json:"limit,omitempty"`
	Text       Text     `json:"text"`
}

// Text is a Result in words.
type Text struct {
	Lift     string `json:"lift,omitempty"`
	Interval string `json:"interval,omitempty"`
	Limit    string `json:"limit,omitempty"`
	Control  string `json:"control,omitempty"`
	Variant  string `json:"variant,omitempty"`
	P        string `json:"p,omitempty"`
	Caution  string `json:"caution,omitempty"` // what to know with it, in one line
}

// Health of the data behind it.
type Health struct {
	SRM  string `json:"srm,omitempty"`
	SRMP string `json:"srm_p,omitempty"`
	Lag  string `json:"lag,omitempty"`
}

// Times of the episode.
type Times struct {
	Since     time.Time  `json:"since"`
	AsOf      time.Time  `json:"as_of"`
	Watermark *time.Time `json:"watermark,omitempty"`
}

// Links to people's pages.
type Links struct {
	Page    string `json:"page,omitempty"`
	Runbook string `json:"runbook,omitempty"`
}

// Options of New; the zero value works.
type Options struct {
	// Rate in messages per second and Burst bound what the endpoint gets. Default 50 and 50.
	Rate  float64
	Burst int
}

// Sender posts to one endpoint.
type Sender struct {
	client     *notify.Client
	url        notify.Secret
	secretFile string
	dest       notify.Destination
}

// New returns a sender to url that signs with the secrets of secretFile, one whsec_… a line. Several secrets give
// several signatures, so that a receiver can change over without a gap; the file is read again for every attempt.
func New(client *notify.Client, url, secretFile string, opt Options) (*Sender, error) {
	if opt.Rate <= 0 {
		opt.Rate = 50
	}
	if opt.Burst <= 0 {
		opt.Burst = 50
	}
	u, err := client.Policy().CheckURL(url)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	s := &Sender{client: client, url: notify.NewSecret(url), secretFile: secretFile}
	s.dest = notify.Destination{ID: notify.Fingerprint("webhook", url), Name: u.Host, Rate: opt.Rate, Burst: opt.Burst}
	if _, err := s.secrets(); err != nil {
		return nil, err
	}
	return s, nil
}

// Destination of the sender.
func (s *Sender) Destination() notify.Destination { return s.dest }

func (s *Sender) secrets() ([]notify.Secret, error) {
	secrets, err := notify.ReadSecrets(s.secretFile)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	for i, secret := range secrets {
		if _, err := decodeSecret(secret); err != nil {
			return nil, fmt.Errorf("webhook: secret %d of %s: %w", i+1, s.secretFile, err)
		}
	}
	return secrets, nil
}

// Render gives the body.
func (s *Sender) Render(n *notify.Notification) ([]byte, error) {
	m := Message{
		ID: n.ID, Type: "experiment.alert." + string(n.Transition), Timestamp: n.At.UTC(), Schema: 1,
		Data: Data{
			AlertID: n.Key, Episode: n.Episode, State: n.Transition, Reason: n.Reason, Severity: n.Severity,
			Summary: notify.Truncate(n.Summary, 1024), Rule: Rule{ID: n.Rule, Kind: n.Kind},
			Experiment: Experiment{ID: n.Experiment, Name: n.ExperimentName, Owner: n.Owner, Definition: n.Definition, Subjects: n.SubjectCounts},
			Health:     Health{SRM: n.SRMState, SRMP: n.SRMP, Lag: n.Lag},
			Times:      Times{Since: n.Since.UTC(), AsOf: n.At.UTC(), Watermark: n.Watermark},
			Links:      Links{Page: n.Link, Runbook: n.Runbook},
		},
	}
	if n.Metric != "" {
		m.Data.Metric = &Metric{ID: n.Metric, Name: n.MetricName, Role: n.Role, Variant: n.Variant, Control: n.Control}
		m.Data.Result = &Result{
			State: n.State, Lift: n.LiftValue, Interval: n.IntervalValue, P: n.PValue, Limit: n.LimitValue,
			PAdjusted: n.PAdjustedValue, Correction: n.Correction, Warnings: n.Warnings,
			Text: Text{Lift: n.Lift, Interval: n.Interval, Limit: n.Limit, Control: n.ControlValue, Variant: n.VariantValue, P: n.P, Caution: n.Caution},
		}
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("webhook: encode message: %w", err)
	}
	if len(body) > MaxBody {
		// Only the count per variant grows with the definitions; the receiver can fetch it from the page's link.
		m.Data.Experiment.Subjects = nil
		if body, err = json.Marshal(m); err != nil || len(body) > MaxBody {
			return nil, fmt.Errorf("webhook: the message has %d bytes, the limit is %d", len(body), MaxBody)
		}
	}
	return body, nil
}

// Send posts the body once.
func (s *Sender) Send(ctx context.Context, id string, body []byte) notify.Attempt {
	now := s.client.Now()
	secrets, err := s.secrets()
	if err != nil {
		// A secret may be missing for the moment in which it is replaced.
		return notify.Attempt{At: now, Verdict: notify.Retry, Error: err.Error()}
	}
	signature, err := Sign(secrets, id, now, body)
	if err != nil {
		return notify.Attempt{At: now, Verdict: notify.Retry, Error: err.Error()}
	}
	header := http.Header{}
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	header.Set("Webhook-Signature", signature)
	return s.client.Post(ctx, s.url, header, body, secrets...)
}
