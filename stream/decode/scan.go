package decode

import (
	"encoding/binary"
	"math/bits"
)

// Strings and digits are skipped eight bytes at a time, as one integer whose lowest byte is the first.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// ends marks the first of eight bytes that is a quote, a backslash or a control character, by its high bit; bytes above it
// may be marked, too. (x−1)&^x has the high bit of the lowest byte that is 0, so x^'"' finds quotes, and x−0x20 finds what
// is below.
func ends(x uint64) uint64 {
	quote, slash := x^('"'*ones), x^('\\'*ones)
	return (((quote - ones) &^ quote) | ((slash - ones) &^ slash) | ((x - 0x20*ones) &^ x)) & highs
}

// plain goes on to the first byte that is a quote, a backslash or a control character, eight at a time.
func (r *jsonReader) plain() {
	for len(r.text)-r.at >= 8 {
		x := binary.LittleEndian.Uint64(r.text[r.at:])
		if found := ends(x); found != 0 {
			r.at += bits.TrailingZeros64(found) / 8
			return
		}
		r.at += 8
	}
	for r.at < len(r.text) {
		if c := r.text[r.at]; c == '"' || c == '\\' || c < 0x20 {
			return
		}
		r.at++
	}
}

// integer returns where the digits from at on end, −1 if they are no whole number that can be told by eight bytes at a
// time: then the plain way looks again.
func integer(in []byte, at int) int {
	start := at
	for {
		var x uint64
		switch left := len(in) - at; {
		case left >= 8:
			x = binary.LittleEndian.Uint64(in[at:])
		case len(in) >= 8:
			x = binary.LittleEndian.Uint64(in[len(in)-8:]) >> (64 - 8*left) // zeros, which are no digits, follow
		default:
			return -1
		}
		// A digit is 0x30 to 0x39: its low half is below 10 and the rest is 3. The lowest byte marked is the first that is none.
		x ^= '0' * ones
		if found := (x + (0x80-10)*ones | x) & highs; found != 0 {
			at += bits.TrailingZeros64(found) / 8
			break
		}
		at += 8
	}
	if at == len(in) {
		return -1
	}
	if c := in[at]; at == start || in[start] == '0' && at-start > 1 || c == '.' || c|0x20 == 'e' {
		return -1
	}
	return at
}
