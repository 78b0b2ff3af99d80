package view

import (
	"strings"
	"unicode"
)

// quoted is a name from outside as part of a sentence: of one line, not too long, without characters that turn the text
// around them, and kept apart from the sentence where it runs from right to left. (Escaping is the template's work.)
func quoted(name string) string { return inSentence(name, 80) }

// inSentence is quoted with another length.
func inSentence(name string, most int) string {
	n, rtl := 0, false
	clean := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r), r == '\uFFFD':
			return -1
		case unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			r = ' '
		}
		if n++; n > most {
			return -1
		}
		rtl = rtl || unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam)
		return r
	}, name)
	clean = strings.TrimSpace(clean)
	if n > most {
		clean += "…"
	}
	if rtl {
		return "\u2068" + clean + "\u2069" // first strong isolate … pop
	}
	return clean
}
