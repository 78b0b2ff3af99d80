package moment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// version is the first byte of an encoded Sums. Append-only: a new layout gets the next number.
//
//	1: bitmap (uvarint) of the parts that are not zero, then each of them as a signed varint of up to 192 bits
const version = 1

// bitMean, the lowest bit of the bitmap, says Den = Den2 = N and NumDen = Num (and the same for the pre-period): a mean.
// These parts are then left out, which halves the row of the commonest metric.
const bitMean = 1

// ErrFormat marks bytes that are no encoded Sums: cut short, of an unknown version, or not the one spelling.
var ErrFormat = errors.New("not encoded sums")

// parts lists the numbers of s in their order on disk. The order never changes.
func (s *Sums) parts() [19]Int192 {
	b := &s.Before
	return [19]Int192{
		Int192From(s.N), Int192From(s.NonZero),
		s.Num.Wide(), s.Num2,
		s.Den.Wide(), s.NumDen, s.Den2,
		Int192From(s.Approximate), Int192From(s.Overflowed), Int192From(s.OpenLimit),
		b.Pre.Wide(), b.Pre2, b.NumPre, b.DenPre,
		b.PreDen.Wide(), b.PrePreDen, b.PreDen2, b.NumPreDen, b.DenPreDen,
	}
}

const (
	partN, partNum                         = 0, 2
	partDen, partNumDen, partDen2          = 4, 5, 6
	partPre, partDenPre                    = 10, 13
	partPreDen, partNumPreDen, partDenPre2 = 14, 17, 18
)

// isMean says that every denominator part follows from the others, as it does when each subject's denominator is 1.
func isMean(p *[19]Int192) bool {
	return p[partDen] == p[partN] && p[partDen2] == p[partN] && p[partNumDen] == p[partNum] &&
		p[partDenPre] == p[partPre] && p[partDenPre2] == p[partPreDen]
}

// IsMean says that the sums are those of a mean: every subject's denominator is 1.
func (s *Sums) IsMean() bool {
	b := &s.Before
	return s.meanOfNumerators() && b.DenPre == b.Pre.Wide() && b.DenPreDen == b.PreDen.Wide()
}

// AppendBinary appends the encoded sums. Equal sums have equal bytes and only those.
func (s *Sums) AppendBinary(b []byte) ([]byte, error) {
	p := s.parts()
	bitmap := uint64(0)
	if isMean(&p) {
		bitmap = bitMean
		p[partDen], p[partDen2], p[partNumDen], p[partDenPre], p[partDenPre2] = Int192{}, Int192{}, Int192{}, Int192{}, Int192{}
	}
	for i := range p {
		if p[i] != (Int192{}) {
			bitmap |= 1 << (i + 1)
		}
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, bitmap)
	for i := range p {
		if p[i] != (Int192{}) {
			b = appendVarint(b, p[i])
		}
	}
	return b, nil
}

// Decode reads encoded sums from the front of b and returns what follows them. Errors are ErrFormat.
func Decode(b []byte) (Sums, []byte, error) {
	if len(b) == 0 {
		return Sums{}, nil, fmt.Errorf("moment: decode sums: empty: %w", ErrFormat)
	}
	if b[0] != version {
		return Sums{}, nil, fmt.Errorf("moment: decode sums: version %d, this program knows %d: %w", b[0], version, ErrFormat)
	}
	bitmap, n := binary.Uvarint(b[1:])
	if n <= 0 || bitmap>>20 != 0 || n > 1 && b[n] == 0 {
		return Sums{}, nil, fmt.Errorf("moment: decode sums: bad bitmap: %w", ErrFormat)
	}
	rest := b[1+n:]
	var p [19]Int192
	for i := range p {
		if bitmap&(1<<(i+1)) == 0 {
			continue
		}
		x, m := varint(rest)
		if m == 0 || x == (Int192{}) {
			return Sums{}, nil, fmt.Errorf("moment: decode sums: bad number %d: %w", i, ErrFormat)
		}
		p[i], rest = x, rest[m:]
	}
	if bitmap&bitMean != 0 {
		if bitmap&(1<<(partDen+1)|1<<(partDen2+1)|1<<(partNumDen+1)|1<<(partDenPre+1)|1<<(partDenPre2+1)) != 0 {
			return Sums{}, nil, fmt.Errorf("moment: decode sums: a mean with denominators: %w", ErrFormat)
		}
		p[partDen], p[partDen2], p[partNumDen] = p[partN], p[partN], p[partNum]
		p[partDenPre], p[partDenPre2] = p[partPre], p[partPreDen]
	} else if isMean(&p) {
		return Sums{}, nil, fmt.Errorf("moment: decode sums: a mean spelled as a ratio: %w", ErrFormat)
	}
	s, ok := fromParts(&p)
	if !ok {
		return Sums{}, nil, fmt.Errorf("moment: decode sums: a number is out of its range: %w", ErrFormat)
	}
	return s, rest, nil
}

func fromParts(p *[19]Int192) (s Sums, ok bool) {
	ok = true
	count := func(x Int192) int64 {
		n, fits := x.Narrow()
		v, small := n.Int64()
		ok = ok && fits && small
		return v
	}
	narrow := func(x Int192) Int128 {
		n, fits := x.Narrow()
		ok = ok && fits
		return n
	}
	s = Sums{
		N: count(p[0]), NonZero: count(p[1]),
		Num: narrow(p[2]), Num2: p[3],
		Den: narrow(p[4]), NumDen: p[5], Den2: p[6],
		Approximate: count(p[7]), Overflowed: count(p[8]), OpenLimit: count(p[9]),
		Before: Before{
			Pre: narrow(p[10]), Pre2: p[11], NumPre: p[12], DenPre: p[13],
			PreDen: narrow(p[14]), PrePreDen: p[15], PreDen2: p[16], NumPreDen: p[17], DenPreDen: p[18],
		},
	}
	return s, ok
}

// appendVarint appends x zigzagged (so that small negative numbers are short) in groups of 7 bits, lowest first.
func appendVarint(b []byte, x Int192) []byte {
	sign := uint64(int64(x.hi) >> 63)
	u := [3]uint64{x.lo<<1 ^ sign, (x.mid<<1 | x.lo>>63) ^ sign, (x.hi<<1 | x.mid>>63) ^ sign}
	for u[1]|u[2] != 0 || u[0] >= 0x80 {
		b = append(b, byte(u[0])|0x80)
		u[0] = u[0]>>7 | u[1]<<57
		u[1] = u[1]>>7 | u[2]<<57
		u[2] >>= 7
	}
	return append(b, byte(u[0]))
}

// varint reads what appendVarint wrote; n is 0 if b is cut short, longer than 192 bits or not the shortest spelling.
func varint(b []byte) (x Int192, n int) {
	var u [3]uint64
	for i, c := range b {
		shift := 7 * i
		word, off := shift/64, shift%64
		v := uint64(c & 0x7f)
		if word > 2 || word == 2 && bits.Len64(v)+off > 64 {
			return Int192{}, 0
		}
		u[word] |= v << off
		if off > 57 && word < 2 {
			u[word+1] |= v >> (64 - off)
		}
		if c < 0x80 {
			if c == 0 && i > 0 {
				return Int192{}, 0
			}
			n = i + 1
			break
		}
	}
	if n == 0 {
		return Int192{}, 0
	}
	sign := -(u[0] & 1)
	return Int192{
		hi:  u[2]>>1 ^ sign,
		mid: (u[1]>>1 | u[2]<<63) ^ sign,
		lo:  (u[0]>>1 | u[1]<<63) ^ sign,
	}, n
}
