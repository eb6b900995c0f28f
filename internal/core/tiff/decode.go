package tiff

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// Decode gives all samples of the page as they are stored. Of Y, Cb and Cr in JPEG it gives R, G and B; chroma of fewer samples is brought to the resolution of
// the page. Errors have no prefix; those about sizes wrap [ErrTooLarge].
func (p *Page) Decode() (*samples.Samples, error) {
	return p.DecodeChannels(p.everyChannel())
}

// everyChannel numbers the channels.
func (p *Page) everyChannel() []int {
	channels := make([]int, p.Channels)
	for i := range channels {
		channels[i] = i
	}
	return channels
}

// DecodeChannels is Decode for some of the channels, numbered from 0, in the given order.
func (p *Page) DecodeChannels(channels []int) (*samples.Samples, error) {
	var out *samples.Samples
	err := p.eachChunk(channels, func() {
		out = samples.New(p.Width, p.Height, len(channels), p.Kind, p.Bits)
	}, func(c chunk) bool {
		p.store(out, c, channels)
		return true
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// A chunk is a decoded strip or tile, and its place in the page. Columns and rows beyond the page, which tiles may have, do not count.
type chunk struct {
	data                     []byte // nil: the file has left it out, because all is zero
	plane                    int
	left, top, columns, rows int
}

// eachChunk decodes the chunks that hold some of the channels, one after the other, until f gives false. begin is called when the page is known to be readable and
// within the limits. Whoever wants a part of a page, or a page that is larger than memory, begins here.
func (p *Page) eachChunk(channels []int, begin func(), f func(c chunk) bool) error {
	if p.invalid != nil {
		return p.invalid
	}
	if err := p.check(); err != nil {
		return err
	}
	places, err := p.places()
	if err != nil {
		return err
	}
	begin()
	l := &p.chunks
	for i, place := range places {
		plane, down, across := i/(l.across*l.down), i/l.across%l.down, i%l.across
		if p.planar && !slices.Contains(channels, plane) {
			continue
		}
		c := chunk{plane: plane, left: across * l.width, top: down * l.height}
		c.columns, c.rows = min(l.width, p.Width-c.left), min(l.rows(down, p.Height), p.Height-c.top)
		if place.size > 0 {
			c.data, err = p.chunk(i, place)
			if err != nil && place.cut {
				return errTruncated
			}
			if err != nil {
				return fmt.Errorf("%s %d of %d: %w", l.unit(), i+1, len(places), err)
			}
		}
		if !f(c) {
			return nil
		}
	}
	return nil
}

// isConstant tells whether all pixels have the same values in some channels. It reads no further than it must.
func (p *Page) isConstant(channels []int) (bool, error) {
	l := &p.chunks
	var first map[int]uint64 // by channel
	var words []uint64
	constant := true
	err := p.eachChunk(channels, func() {
		first = map[int]uint64{}
		words = make([]uint64, min(l.width, p.Width)*l.samples) // without the columns beyond the page, of which tiles may have many
	}, func(c chunk) bool {
		stride := int(p.rowBytes())
		for y := range c.rows {
			clear(words)
			if c.data != nil {
				p.unpack(words, c.data[y*stride:][:stride])
			}
			for _, channel := range channels {
				at := channel
				if p.planar {
					if channel != c.plane {
						continue
					}
					at = 0
				}
				if _, known := first[channel]; !known {
					first[channel] = words[at]
				}
				for x := range c.columns {
					if words[x*l.samples+at] != first[channel] {
						constant = false
						return false
					}
				}
			}
		}
		return true
	})
	return constant, err
}

func (l *layout) unit() string {
	if l.tiled {
		return "tile"
	}
	return "strip"
}

// supported says why a page of this kind cannot be decoded, before anything is read.
func (p *Page) supported() error {
	switch p.Photometric {
	case CFA:
		return fmt.Errorf("a raw picture of a camera (photometric interpretation %d, colour filter array): develop it first, for example with darktable-cli or dcraw -T", CFA)
	case LinearRaw:
		return fmt.Errorf("a raw picture of a camera (photometric interpretation %d, linear raw): develop it first, for example with darktable-cli or dcraw -T", LinearRaw)
	case LogL, LogLuv:
		return fmt.Errorf("logarithmic luminance (photometric interpretation %d) is not supported", p.Photometric)
	}
	if name, ok := unread[p.compression]; ok {
		return fmt.Errorf("compression %d, %s, is not supported", p.compression, name)
	}
	if p.subsampled() {
		for _, n := range p.subsample {
			if n != 1 && n != 2 && n != 4 {
				return fmt.Errorf("chroma of %dx%d pixels, want 1, 2 or 4", p.subsample[0], p.subsample[1])
			}
		}
		if p.Bits != 8 {
			return fmt.Errorf("subsampled chroma with %d bits is not supported, only with 8", p.Bits)
		}
	}
	if p.Photometric == YCbCr && p.planar && p.subsample != [2]int{1, 1} && p.compression != compressionJPEG {
		return errors.New("subsampled chroma in separate planes is not supported")
	}
	if !p.predicts() {
		return nil
	}
	switch p.predictor {
	case 1, 2:
	case 3:
		if p.Kind != samples.Float {
			return fmt.Errorf("predictor 3 is for floats, the samples are %s", p.Kind)
		}
	default:
		return fmt.Errorf("predictor %d is not supported", p.predictor)
	}
	return nil
}

// store puts a chunk at its place in out.
func (p *Page) store(out *samples.Samples, c chunk, channels []int) {
	if c.data == nil {
		return
	}
	l := &p.chunks
	stride := int(p.rowBytes())
	if p.isBytes(channels) {
		for y := range c.rows {
			row := c.data[y*stride:][:stride]
			if p.predicts() && p.predictor == 2 {
				for i := l.samples; i < len(row); i++ {
					row[i] += row[i-l.samples]
				}
			}
			copy(out.U8[((c.top+y)*out.Width+c.left)*out.Channels:], row[:c.columns*l.samples])
		}
		return
	}
	words := make([]uint64, l.width*l.samples)
	for y := range c.rows {
		p.unpack(words, c.data[y*stride:][:stride])
		at := ((c.top+y)*out.Width + c.left) * out.Channels
		for i, channel := range channels {
			switch {
			case !p.planar:
				put(out, words[channel:], l.samples, c.columns, at+i)
			case channel == c.plane:
				put(out, words, 1, c.columns, at+i)
			}
		}
	}
}

// isBytes tells whether rows of a chunk are rows of the result: bytes, and all channels in their order. Most pictures are so, and this takes an eighth of the time.
func (p *Page) isBytes(channels []int) bool {
	if p.Kind != samples.Unsigned || p.Bits != 8 || p.planar || len(channels) != p.Channels {
		return false
	}
	for i, c := range channels {
		if i != c {
			return false
		}
	}
	return true
}
