package safetensors

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads the few JSON forms that a header has. General JSON decoders accept duplicate keys, replace bad UTF-8 and
// allocate several times the size of the header, which a hostile file chooses.
type scanner struct {
	s    string
	pos  int
	what string // that s is, for errors; empty: a header
}

func (c *scanner) name() string {
	if c.what == "" {
		return "header"
	}
	return c.what
}

// fail wraps a rule with the place it was broken at.
func (c *scanner) fail(rule error, format string, args ...any) error {
	return fmt.Errorf("safetensors: %s byte %d: %w: %s", c.name(), c.pos, rule, fmt.Sprintf(format, args...))
}

// peek skips white space and returns the next byte, 0 at the end.
func (c *scanner) peek() byte {
	for ; c.pos < len(c.s); c.pos++ {
		switch b := c.s[c.pos]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

func (c *scanner) expect(b byte) error {
	if got := c.peek(); got != b || c.pos == len(c.s) {
		return c.fail(ErrSyntax, "%s, want %q", c.found(), b)
	}
	c.pos++
	return nil
}

func (c *scanner) found() string {
	if c.pos >= len(c.s) {
		return "end of " + c.name()
	}
	r, _ := utf8.DecodeRuneInString(c.s[c.pos:])
	return fmt.Sprintf("%q", r)
}

// list calls item for each element between open and close, which commas separate.
func (c *scanner) list(open, end byte, item func() error) error {
	if err := c.expect(open); err != nil {
		return err
	}
	if c.peek() == end {
		c.pos++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch c.peek() {
		case ',':
			c.pos++
		case end:
			c.pos++
			return nil
		default:
			return c.fail(ErrSyntax, "%s, want ',' or %q", c.found(), end)
		}
	}
}

// object calls member for each name of an object, with the scanner at the value.
func (c *scanner) object(member func(name string) error) error {
	return c.list('{', '}', func() error {
		name, err := c.str()
		if err != nil {
			return err
		}
		if err := c.expect(':'); err != nil {
			return err
		}
		return member(name)
	})
}

// number reads a non-negative integer that fits an int.
func (c *scanner) number() (int, error) {
	c.peek()
	start, v := c.pos, uint64(0)
	for ; c.pos < len(c.s) && '0' <= c.s[c.pos] && c.s[c.pos] <= '9'; c.pos++ {
		d := uint64(c.s[c.pos] - '0')
		if v > (math.MaxInt-d)/10 {
			return 0, c.fail(ErrOverflow, "number from byte %d", start)
		}
		v = 10*v + d
	}
	if c.pos == start || c.s[start] == '0' && c.pos > start+1 {
		return 0, c.fail(ErrSyntax, "%s, want a non-negative integer", c.found())
	}
	return int(v), nil
}

// str reads a string. It is a part of the header where it holds no escapes.
func (c *scanner) str() (string, error) {
	if err := c.expect('"'); err != nil {
		return "", err
	}
	start := c.pos
	for ; c.pos < len(c.s); c.pos++ {
		switch b := c.s[c.pos]; {
		case b == '"':
			c.pos++
			return c.s[start : c.pos-1], nil
		case b == '\\':
			return c.escaped(start)
		case b < ' ':
			return "", c.fail(ErrSyntax, "control character %q in a string", b)
		}
	}
	return "", c.fail(ErrSyntax, "end of %s in a string", c.name())
}

// escaped reads the rest of a string that starts at start and has its first escape at the scanner.
func (c *scanner) escaped(start int) (string, error) {
	var out strings.Builder
	out.WriteString(c.s[start:c.pos])
	for c.pos < len(c.s) {
		b := c.s[c.pos]
		c.pos++
		switch {
		case b == '"':
			return out.String(), nil
		case b < ' ':
			return "", c.fail(ErrSyntax, "control character %q in a string", b)
		case b != '\\':
			out.WriteByte(b)
		case c.pos == len(c.s):
			return "", c.fail(ErrSyntax, "end of %s in a string", c.name())
		default:
			b = c.s[c.pos]
			c.pos++
			if i := strings.IndexByte(`"\/bfnrt`, b); i >= 0 {
				out.WriteByte("\"\\/\b\f\n\r\t"[i])
			} else if r := c.rune(); b == 'u' && r >= 0 {
				out.WriteRune(r)
			} else {
				return "", c.fail(ErrSyntax, "bad escape in a string")
			}
		}
	}
	return "", c.fail(ErrSyntax, "end of %s in a string", c.name())
}

// rune reads the hexadecimal digits of \uXXXX, a surrogate pair as one rune; −1 for anything else.
func (c *scanner) rune() rune {
	r := c.hex4()
	if !utf16.IsSurrogate(r) {
		return r
	}
	if !strings.HasPrefix(c.s[c.pos:], `\u`) {
		return -1
	}
	c.pos += 2
	if r = utf16.DecodeRune(r, c.hex4()); r == utf8.RuneError {
		return -1
	}
	return r
}

func (c *scanner) hex4() rune {
	if len(c.s)-c.pos < 4 {
		return -1
	}
	var r rune
	for _, b := range []byte(c.s[c.pos : c.pos+4]) {
		i := strings.IndexByte("0123456789abcdef", b|0x20)
		if i < 0 || b < '0' {
			return -1
		}
		r = r<<4 | rune(i)
	}
	c.pos += 4
	return r
}
