package coco

import (
	"bytes"
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// A scanner reads JSON from bytes that are all in memory. Its methods take the position to read at and return the first
// position behind what they read, or a negative one after storing the first error in err; so a caller can pass a position
// on without looking and test it where it needs the value. Nothing recurses: depth costs one bit per level.
type scanner struct {
	b     []byte
	err   *Error
	mixed int // arrays that begin before this may hold strings or objects: see skipNumbers
}

// bad is the position that follows an error.
const bad = -1

// fail stores the first error, at byte p.
func (s *scanner) fail(p int, format string, args ...any) int {
	if s.err == nil {
		s.err = &Error{Offset: int64(p), Msg: fmt.Sprintf(format, args...)}
	}
	return bad
}

// unexpected is fail for a byte that cannot stand at p.
func (s *scanner) unexpected(p int, want string) int {
	if p < 0 {
		return bad
	}
	if p >= len(s.b) {
		return s.fail(len(s.b), "unexpected end of file, want %s", want)
	}
	return s.fail(p, "unexpected %q, want %s", s.b[p], want)
}

// space returns the first position at or behind p that is not white space.
func (s *scanner) space(p int) int {
	if p < 0 {
		return bad
	}
	for p < len(s.b) && (s.b[p] == ' ' || s.b[p] == '\n' || s.b[p] == '\r' || s.b[p] == '\t') {
		p++
	}
	return p
}

// at returns the byte at p, 0 where there is none.
func (s *scanner) at(p int) byte {
	if uint(p) < uint(len(s.b)) {
		return s.b[p]
	}
	return 0
}

// element steps to the next element of an array or object that ends with end. p stands behind the opening bracket (first)
// or behind the element before. done is true behind the closing bracket.
func (s *scanner) element(p int, first bool, end byte) (next int, done bool) {
	p = s.space(p)
	c := s.at(p)
	if c == end {
		return p + 1, true
	}
	if first {
		return p, p < 0
	}
	if c != ',' {
		return s.unexpected(p, "',' or '"+string(end)+"'"), true
	}
	return s.space(p + 1), false
}

// key reads a member's name and the colon behind it. next is where its value starts.
func (s *scanner) key(p int) (name []byte, next int) {
	// Names are short and without escapes, but for those that are not.
	if s.at(p) == '"' {
		for q := p + 1; q < len(s.b) && s.b[q] != '\\'; q++ {
			if s.b[q] == '"' {
				if q+1 < len(s.b) && s.b[q+1] == ':' {
					return s.b[p+1 : q], s.space(q + 2)
				}
				break
			}
		}
	}
	name, p = s.text(p)
	p = s.space(p)
	if s.at(p) != ':' {
		return nil, s.unexpected(p, "':'")
	}
	return name, s.space(p + 1)
}

// rawString returns the bytes between the quotes of the string at p and whether a backslash is among them.
func (s *scanner) rawString(p int) (raw []byte, escaped bool, next int) {
	if s.at(p) != '"' {
		return nil, false, s.unexpected(p, "a string")
	}
	start := p + 1
	for q := start; ; {
		i := bytes.IndexByte(s.b[q:], '"')
		if i < 0 {
			return nil, false, s.unexpected(len(s.b), "the end of a string")
		}
		q += i
		// A quote behind an odd number of backslashes belongs to the string.
		n := 0
		for n < q-start && s.b[q-1-n] == '\\' {
			n++
		}
		if n&1 == 0 {
			raw = s.b[start:q]
			return raw, n > 0 || bytes.IndexByte(raw, '\\') >= 0, q + 1
		}
		q++
	}
}

// text returns the string at p with its escapes resolved. The result is a part of the file where there are none.
func (s *scanner) text(p int) (text []byte, next int) {
	raw, escaped, next := s.rawString(p)
	if next < 0 || !escaped {
		return raw, next
	}
	text, i := unescape(nil, raw)
	if i >= 0 {
		return nil, s.fail(p+1+i, "bad escape in a string")
	}
	return text, next
}

// unescape appends the text of a JSON string's raw bytes to dst. bad is the index of an escape that JSON does not have, or -1.
func unescape(dst, raw []byte) (text []byte, bad int) {
	for i := 0; i < len(raw); {
		n := bytes.IndexByte(raw[i:], '\\')
		if n < 0 {
			return append(dst, raw[i:]...), -1
		}
		dst = append(dst, raw[i:i+n]...)
		i += n
		if i+1 >= len(raw) {
			return dst, i
		}
		switch c := raw[i+1]; c {
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, ok := hex4(raw[i+2:])
			if !ok {
				return dst, i
			}
			if utf16.IsSurrogate(r) && i+7 < len(raw) && raw[i+6] == '\\' && raw[i+7] == 'u' {
				if low, ok := hex4(raw[i+8:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
					r = utf16.DecodeRune(r, low)
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
			i += 4
		default:
			return dst, i
		}
		i += 2
	}
	return dst, -1
}

// hex4 reads the four digits of a \u escape.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// float reads the number at p; NaN, Infinity and -Infinity count, as in Python's json.
func (s *scanner) float(p int) (f float64, next int) {
	if f, next, ok := quickFloat(s.b, p); ok {
		return f, next
	}
	x, next, ok := scanNumber(s.b, p)
	if ok {
		return x.float(s.b[p:next]), next
	}
	return s.notFinite(p, next)
}

// comma steps over a comma and one space at p, the usual separator; ok is false where anything else stands.
func (s *scanner) comma(p int) (next int, ok bool) {
	if uint(p+1) >= uint(len(s.b)) || s.b[p] != ',' {
		return p, false
	}
	if s.b[p+1] == ' ' {
		return p + 2, true
	}
	return p + 1, true
}

// notFinite is the part of float for what JSON does not have, and for errors.
func (s *scanner) notFinite(p, next int) (float64, int) {
	switch {
	case p < 0:
		return 0, bad
	case bytes.HasPrefix(s.b[p:], []byte("NaN")):
		return math.NaN(), p + 3
	case bytes.HasPrefix(s.b[p:], []byte("Infinity")):
		return math.Inf(1), p + 8
	case bytes.HasPrefix(s.b[p:], []byte("-Infinity")):
		return math.Inf(-1), p + 9
	}
	return 0, s.wrong(p, next, "a number")
}

// quickInt reads the usual integer: some digits and then something that ends a number. It saves half the time of the
// general way; ok is false for all others, good or bad.
func (s *scanner) quickInt(p int) (v int64, next int, ok bool) {
	if p < 0 || p+8 > len(s.b) {
		return 0, 0, false
	}
	u, n := digits(s.b[p:])
	if n == 0 || n == 8 || s.b[p] == '0' && n > 1 {
		return 0, 0, false
	}
	c := s.b[p+n]
	return int64(u), p + n, c == ',' || c == '}' || c == ' '
}

// int reads the integer at p, which may be written 1.0.
func (s *scanner) int(p int) (v int64, next int) {
	if v, next, ok := s.quickInt(p); ok {
		return v, next
	}
	x, next, ok := scanNumber(s.b, p)
	if !ok {
		return 0, s.wrong(p, next, "an integer")
	}
	v, ok = x.int()
	if !ok {
		return 0, s.fail(p, "%s, want an integer", s.b[p:next])
	}
	return v, next
}

// wrong reports that the value at p is not what is wanted. broken is the place inside a malformed number, else p.
func (s *scanner) wrong(p, broken int, want string) int {
	switch c := s.at(p); {
	case p < 0:
		return bad
	case c == '"':
		return s.fail(p, "string, want %s", want)
	case c == '[':
		return s.fail(p, "array, want %s", want)
	case c == '{':
		return s.fail(p, "object, want %s", want)
	case c == 'n' && s.literal(p, "null") >= 0:
		return s.fail(p, "null, want %s", want)
	case c == 't' && s.literal(p, "true") >= 0, c == 'f' && s.literal(p, "false") >= 0:
		return s.fail(p, "boolean, want %s", want)
	case broken > p:
		return s.unexpected(broken, "a digit")
	}
	return s.unexpected(p, want)
}

// literal returns the position behind word, which must stand at p, or a negative one without storing an error.
func (s *scanner) literal(p int, word string) int {
	if p >= 0 && len(s.b)-p >= len(word) && string(s.b[p:p+len(word)]) == word {
		return p + len(word)
	}
	return bad
}

// isNull reports whether null stands at p.
func (s *scanner) isNull(p int) bool { return s.at(p) == 'n' && s.literal(p, "null") >= 0 }

// skip returns the position behind the value at p. Brackets, quotes, separators and names inside an object are checked; the
// insides of an array that holds neither strings nor objects (the coordinates of polygons) are only searched for brackets.
func (s *scanner) skip(p int) int {
	switch c := s.at(p); {
	case c == '"':
		_, _, next := s.rawString(p)
		return next
	case c == '[':
		if next := s.skipNumbers(p); next >= 0 {
			return next
		}
		return s.skipNested(p)
	case c == '{':
		return s.skipNested(p)
	case c == 't':
		return s.word(p, "true")
	case c == 'f':
		return s.word(p, "false")
	case c == 'n':
		return s.word(p, "null")
	}
	_, next := s.float(p)
	return next
}

// word is literal with an error.
func (s *scanner) word(p int, word string) int {
	if next := s.literal(p, word); next >= 0 {
		return next
	}
	for i := 0; p >= 0 && i < len(word) && s.at(p) == word[i]; i++ {
		p++
	}
	return s.unexpected(p, word)
}

// skipNumbers skips an array of numbers or of such arrays with a handful of searches per inner array. It gives up, with a
// negative position and no error, where a string or an object begins, and then does not try again before that place: however
// arrays nest, no byte is searched more than a few times.
func (s *scanner) skipNumbers(p int) int {
	if p < s.mixed {
		return bad
	}
	for depth := 0; ; {
		end := s.closing(p)
		if end < 0 {
			return bad
		}
		depth += bytes.Count(s.b[p:end], []byte{'['}) - 1
		p = end + 1
		if depth == 0 {
			return p
		}
	}
}

// closing returns the position of the next ] at or behind p, if neither a string nor an object begins before it. Otherwise it
// returns a negative position and sets mixed.
func (s *scanner) closing(p int) int {
	for size := 512; ; size *= 2 { // most are near
		part := s.b[p:min(p+size, len(s.b))]
		n := bytes.IndexByte(part, ']')
		if n >= 0 {
			part = part[:n]
		}
		if bytes.IndexByte(part, '"') >= 0 || bytes.IndexByte(part, '{') >= 0 || n < 0 && len(part) < size {
			s.mixed = p + len(part)
			return bad
		}
		if p += len(part); n >= 0 {
			return p
		}
	}
}

// skipNested skips any array or object.
func (s *scanner) skipNested(p int) int {
	var open levels // one per level: an object
	first := true
	for {
		// p is at a value, or behind the opening bracket of open's last level where first is set.
		if p < 0 {
			return bad
		}
		switch c := s.at(p); c {
		case '{', '[':
			if c == '[' && open.n > 0 {
				if next := s.skipNumbers(p); next >= 0 {
					p, first = next, false
					break
				}
			}
			open.push(c == '{')
			p, first = p+1, true
		default:
			p, first = s.skip(p), false
		}
		for {
			if open.n == 0 {
				return p
			}
			end := byte(']')
			if open.last() {
				end = '}'
			}
			next, done := s.element(p, first, end)
			p = next
			if p < 0 {
				return bad
			}
			if !done {
				break
			}
			open.pop()
			first = false
		}
		if open.last() {
			_, p = s.key(p)
		}
	}
}

// levels is a stack of bits.
type levels struct {
	words []uint64
	n     int
}

func (s *levels) push(v bool) {
	if s.n>>6 == len(s.words) {
		s.words = append(s.words, 0)
	}
	w := &s.words[s.n>>6]
	*w &^= 1 << (s.n & 63)
	if v {
		*w |= 1 << (s.n & 63)
	}
	s.n++
}

func (s *levels) last() bool { return s.words[(s.n-1)>>6]>>((s.n-1)&63)&1 == 1 }

func (s *levels) pop() { s.n-- }
