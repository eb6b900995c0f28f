package imageio

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// pnmMagic has the first digit of the width where it stands on the first line, because lists of files may begin with "P1 ", too.
var pnmMagic = func() (magic []string) {
	for kind := '1'; kind <= '6'; kind++ {
		magic = append(magic, "P"+string(kind)+"\n", "P"+string(kind)+"\r\n")
		for digit := '1'; digit <= '9'; digit++ {
			magic = append(magic, "P"+string(kind)+" "+string(digit))
		}
	}
	return magic
}()

// pnmHeader reads PBM, PGM and PPM (P1 to P6: bits, grey, colour; as text and as bytes), of several pictures the first.
func pnmHeader(src *io.SectionReader) (header, error) {
	p := &pnm{r: bufio.NewReader(start(src))}
	magic := make([]byte, 2)
	if _, err := io.ReadFull(p.r, magic); err != nil {
		return header{}, err
	}
	kind := int(magic[1] - '0')
	p.channels, p.text = 1, kind <= 3
	if kind == 3 || kind == 6 {
		p.channels = 3
	}
	p.bitmap = kind == 1 || kind == 4
	h := header{width: p.number(), height: p.number(), samples: p.decode}
	p.width, p.height, p.most = h.width, h.height, 1
	if !p.bitmap {
		p.most = p.number()
	}
	if p.err == nil && (p.most < 1 || p.most > 65535) {
		p.err = fmt.Errorf("pnm: largest value %d, want 1 to 65535", p.most)
	}
	p.size = src.Size()
	return h, p.err
}

// A pnm reads the rest of a file; what follows the last number of the header is one character of white space.
type pnm struct {
	r              *bufio.Reader
	width, height  int
	channels, most int // most: the value of white
	text, bitmap   bool
	size           int64 // bytes of the file
	err            error
}

// number reads digits after white space and comments, and the character behind them.
func (p *pnm) number() int {
	n, digits := 0, 0
	for p.err == nil {
		var b byte
		if b, p.err = p.r.ReadByte(); p.err != nil {
			if p.err == io.EOF && digits > 0 { // the last number of a text
				p.err = nil
				return n
			}
			break
		}
		switch {
		case b == '#':
			_, p.err = p.r.ReadString('\n')
			fallthrough
		case b == ' ' || b >= '\t' && b <= '\r':
			if digits > 0 {
				return n
			}
		case b < '0' || b > '9' || digits == 9:
			p.err = errors.New("pnm: not a number")
		default:
			n, digits = 10*n+int(b-'0'), digits+1
		}
	}
	return 0
}

// bit reads a digit of P1, which need not be separated from others.
func (p *pnm) bit() int {
	for p.err == nil {
		b, err := p.r.ReadByte()
		switch {
		case err != nil:
			p.err = err
		case b == '0' || b == '1':
			return int(b - '0')
		case b == '#':
			_, p.err = p.r.ReadString('\n')
		case b != ' ' && (b < '\t' || b > '\r'):
			p.err = errors.New("pnm: not a bit")
		}
	}
	return 0
}

// decode gives samples of 8 bits, or of as many as the largest value has.
func (p *pnm) decode() (stored, error) {
	length := p.width * p.channels // of a row; texts take more
	switch {
	case p.bitmap && !p.text:
		length = (length + 7) / 8
	case p.most > 255 && !p.text:
		length *= 2
	}
	if int64(length)*int64(p.height) > p.size {
		return stored{}, errTruncated
	}
	row := make([]byte, length)
	depth := max(bits.Len(uint(p.most)), 8)
	s := samples.New(p.width, p.height, p.channels, samples.Unsigned, depth)
	for i := range p.width * p.height * p.channels {
		x := i % (p.width * p.channels)
		if x == 0 && !p.text && p.err == nil {
			_, p.err = io.ReadFull(p.r, row)
		}
		v := 0
		switch {
		case p.bitmap && p.text:
			v = 1 - p.bit()
		case p.bitmap:
			v = 1 - int(row[x/8]>>(7-x%8)&1)
		case p.text:
			v = p.number()
		case p.most > 255:
			v = int(row[2*x])<<8 | int(row[2*x+1])
		default:
			v = int(row[x])
		}
		if p.err != nil {
			return stored{}, p.err
		}
		v = min(v, p.most)
		if depth == 8 {
			s.U8[i] = byte((v*255 + p.most/2) / p.most)
		} else {
			s.U16[i] = uint16(v)
		}
	}
	return stored{Samples: s}, nil
}
