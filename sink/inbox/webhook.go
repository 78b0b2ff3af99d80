package inbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Webhook is one message that arrived with a good signature, however often it arrived.
type Webhook struct {
	At        time.Time `json:"at"`
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Timestamp string    `json:"timestamp"` // header of the last delivery
	Signature string    `json:"signature"`
	Body      string    `json:"body"`
	Times     int       `json:"times"` // deliveries; more than one is a repetition with the same id
	Differs   bool      `json:"differs,omitempty"`
}

// receiveWebhook verifies with the reference library of Standard Webhooks, not with the code that signed.
func (b *Inbox) receiveWebhook(w http.ResponseWriter, r *http.Request) {
	data, ok := b.body(w, r)
	if !ok {
		return
	}
	if !b.verified(data, r.Header) {
		b.refuse(w, http.StatusUnauthorized, "text/plain", "the signature is not good")
		return
	}
	m := Webhook{
		At: b.opt.Now(), ID: r.Header.Get("Webhook-Id"), Timestamp: r.Header.Get("Webhook-Timestamp"),
		Signature: r.Header.Get("Webhook-Signature"), Body: string(data), Times: 1,
	}
	var envelope struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(data, &envelope) != nil {
		b.refuse(w, http.StatusBadRequest, "text/plain", "the body is not JSON")
		return
	}
	m.Type = envelope.Type
	b.mu.Lock()
	b.received++
	if i := slices.IndexFunc(b.webhooks, func(o Webhook) bool { return o.ID == m.ID }); i >= 0 {
		old := &b.webhooks[i]
		old.Times++
		old.Differs = old.Differs || old.Body != m.Body
	} else {
		b.webhooks = push(b.webhooks, m, b.opt.Keep)
	}
	b.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// verified fails closed: without a secret nothing is.
func (b *Inbox) verified(body []byte, header http.Header) bool {
	for _, secret := range b.opt.Secrets {
		if v, err := standardwebhooks.NewWebhook(secret); err == nil && v.Verify(body, header) == nil {
			return true
		}
	}
	return false
}

// Lines are the body, indented, as tokens for the page.
func (m Webhook) Lines() [][]Token {
	var pretty bytes.Buffer
	if json.Indent(&pretty, []byte(m.Body), "", "  ") != nil {
		return [][]Token{{{Text: m.Body}}}
	}
	var lines [][]Token
	for line := range bytes.SplitSeq(pretty.Bytes(), []byte("\n")) {
		lines = append(lines, tokens(string(line)))
	}
	return lines
}

// Token is a piece of JSON with the name of its colour: key, string, number, word or "".
type Token struct{ Text, Class string }

// tokens colours one line of indented JSON; a line holds at most a key and a value.
func tokens(line string) []Token {
	var list []Token
	for i := 0; i < len(line); {
		j := i + 1
		switch c := line[i]; {
		case c == '"':
			for j < len(line) && line[j] != '"' {
				if line[j] == '\\' {
					j++
				}
				j++
			}
			j = min(j+1, len(line))
			class := "string"
			if j < len(line) && line[j] == ':' {
				class = "key"
			}
			list = append(list, Token{line[i:j], class})
		case c == '-' || c >= '0' && c <= '9':
			for j < len(line) && line[j] != ',' && line[j] != ' ' {
				j++
			}
			list = append(list, Token{line[i:j], "number"})
		case c >= 'a' && c <= 'z':
			for j < len(line) && line[j] >= 'a' && line[j] <= 'z' {
				j++
			}
			list = append(list, Token{line[i:j], "word"})
		default:
			for j < len(line) && line[j] != '"' && line[j] != '-' && (line[j] < '0' || line[j] > '9') && (line[j] < 'a' || line[j] > 'z') {
				j++
			}
			list = append(list, Token{line[i:j], ""})
		}
		i = j
	}
	return list
}
