package inbox

import (
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"
)

// SlackMessage is one message as a channel shows it.
type SlackMessage struct {
	At     time.Time    `json:"at"`
	Text   string       `json:"text"` // the fallback: what a phone's notification shows
	Blocks []SlackBlock `json:"blocks"`
}

// SlackBlock is a section or a context line.
type SlackBlock struct {
	Type string `json:"type"`
	Text string `json:"text"` // mrkdwn
}

// Spans of the block's text.
func (b SlackBlock) Spans() []Span { return parseMrkdwn(b.Text) }

type slackPayload struct {
	Text   string `json:"text"`
	Blocks []struct {
		Type     string     `json:"type"`
		Text     *slackText `json:"text"`
		Elements []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"elements"`
	} `json:"blocks"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// receiveSlack answers as an incoming webhook: the word ok, or the word for what is wrong.
func (b *Inbox) receiveSlack(w http.ResponseWriter, r *http.Request) {
	data, ok := b.body(w, r)
	if !ok {
		return
	}
	var p slackPayload
	if err := json.Unmarshal(data, &p); err != nil {
		b.refuse(w, http.StatusBadRequest, "text/plain", "invalid_payload")
		return
	}
	if word := p.fault(); word != "" {
		b.refuse(w, http.StatusBadRequest, "text/plain", word)
		return
	}
	m := SlackMessage{At: b.opt.Now(), Text: p.Text}
	for _, block := range p.Blocks {
		if block.Text != nil {
			m.Blocks = append(m.Blocks, SlackBlock{block.Type, block.Text.Text})
		}
		for _, e := range block.Elements {
			m.Blocks = append(m.Blocks, SlackBlock{block.Type, e.Text})
		}
	}
	if len(m.Blocks) == 0 {
		m.Blocks = []SlackBlock{{"section", p.Text}}
	}
	b.mu.Lock()
	b.received++
	b.slack = push(b.slack, m, b.opt.Keep)
	b.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain")
	w.Write([]byte("ok"))
}

// fault names what Slack would refuse: limits of Block Kit.
func (p *slackPayload) fault() string {
	if p.Text == "" && len(p.Blocks) == 0 {
		return "no_text"
	}
	if len(p.Blocks) > 50 {
		return "invalid_blocks"
	}
	for _, block := range p.Blocks {
		switch block.Type {
		case "section":
			if block.Text == nil || block.Text.Text == "" || utf8.RuneCountInString(block.Text.Text) > 3000 {
				return "invalid_blocks"
			}
		case "context":
			if len(block.Elements) == 0 || len(block.Elements) > 10 {
				return "invalid_blocks"
			}
		case "header", "divider", "actions":
		default:
			return "invalid_blocks"
		}
	}
	return ""
}
