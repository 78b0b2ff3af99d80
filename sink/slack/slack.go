// Package slack sends notifications to a Slack incoming webhook as a Block Kit message whose first line carries the
// facts. It imports sink/alert/notify and nothing of the engine.
// Invariants: (1) every text from outside is escaped, so no name can mention a channel or forge a link; (2) no text
// is longer than Slack takes; (3) only the body "ok" is success. Slack has no idempotency key: a crash between its
// answer and our note of it may repeat a message once, so each message shows its id.
package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// Sender posts to one incoming webhook.
type Sender struct {
	client  *notify.Client
	url     notify.Secret // empty: read urlFile
	urlFile string
	dest    notify.Destination
}

// New returns a sender to the webhook at url, or to the one that urlFile holds and that is read again for every attempt.
func New(client *notify.Client, url, urlFile string) (*Sender, error) {
	s := &Sender{client: client, url: notify.NewSecret(url), urlFile: urlFile}
	target, err := s.target()
	if err != nil {
		return nil, err
	}
	u, err := client.Policy().CheckURL(target.Reveal())
	if err != nil {
		return nil, fmt.Errorf("slack: %w", err)
	}
	// Slack allows one message a second and channel.
	s.dest = notify.Destination{ID: notify.Fingerprint("slack", target.Reveal()), Name: u.Host, Rate: 1, Burst: 1}
	return s, nil
}

// Destination of the sender.
func (s *Sender) Destination() notify.Destination { return s.dest }

func (s *Sender) target() (notify.Secret, error) {
	if s.urlFile == "" {
		return s.url, nil
	}
	urls, err := notify.ReadSecrets(s.urlFile)
	if err != nil {
		return notify.Secret{}, fmt.Errorf("slack: %w", err)
	}
	return urls[0], nil
}

// Render gives the message.
func (s *Sender) Render(n *notify.Notification) ([]byte, error) {
	body, err := json.Marshal(message(n))
	if err != nil {
		return nil, fmt.Errorf("slack: encode message: %w", err)
	}
	return body, nil
}

// Send posts the message once.
func (s *Sender) Send(ctx context.Context, _ string, body []byte) notify.Attempt {
	target, err := s.target()
	if err != nil {
		return notify.Attempt{At: s.client.Now(), Verdict: notify.Retry, Error: err.Error()}
	}
	a := s.client.Post(ctx, target, http.Header{}, body)
	if a.Verdict == notify.Delivered && strings.TrimSpace(a.Reply) != "ok" {
		// A proxy's page, or Slack saying no politely. Either may pass.
		a.Verdict, a.Error = notify.Retry, fmt.Sprintf("%s answered %d without \"ok\"", s.dest.Name, a.Status)
	}
	return a
}
