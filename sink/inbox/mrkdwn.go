package inbox

import "strings"

// Span is a run of text with one look. Templates escape it; nothing here makes HTML.
type Span struct {
	Text               string
	Bold, Italic, Code bool
	Href               string // http and https only
}

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// parseMrkdwn reads the part of Slack's mrkdwn that messages use: *bold*, _italic_, `code`, <url|text>, and the three
// entities. Anything it does not know stays as it is written.
func parseMrkdwn(text string) []Span {
	var spans []Span
	var look Span
	var run strings.Builder
	flush := func() {
		if run.Len() > 0 {
			s := look
			s.Text = entities.Replace(run.String())
			spans = append(spans, s)
			run.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '<':
			end := strings.IndexByte(text[i:], '>')
			if end < 0 {
				run.WriteByte(c)
				continue
			}
			flush()
			url, label, named := strings.Cut(text[i+1:i+end], "|")
			if !named {
				label = url
			}
			s := look
			s.Text = entities.Replace(label)
			if url = entities.Replace(url); strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
				s.Href = url
			}
			spans = append(spans, s)
			i += end
		case c == '*' && toggles(text, i, look.Bold), c == '_' && toggles(text, i, look.Italic), c == '`' && toggles(text, i, look.Code):
			flush()
			switch c {
			case '*':
				look.Bold = !look.Bold
			case '_':
				look.Italic = !look.Italic
			default:
				look.Code = !look.Code
			}
		default:
			run.WriteByte(c)
		}
	}
	flush()
	return spans
}

// toggles says whether the mark at i begins or ends a look: at a word's edge, and with a partner when it begins one.
func toggles(text string, i int, on bool) bool {
	if on {
		return i > 0 && text[i-1] != ' ' && (i+1 == len(text) || !wordByte(text[i+1]))
	}
	if i+1 == len(text) || text[i+1] == ' ' || i > 0 && wordByte(text[i-1]) {
		return false
	}
	return strings.IndexByte(text[i+1:], text[i]) > 0
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
