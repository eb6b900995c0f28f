package tiff

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/internal/core/samples"
)

func sortedCopy(v []uint64) []uint64 {
	s := slices.Clone(v)
	slices.Sort(s)
	return slices.Compact(s)
}

// Decode gives all samples of the page as they are stored. Of Y, Cb and Cr in JPEG it gives R, G and B; chroma of fewer samples is brought to the resolution of
// the page. Errors have no prefix; those about sizes wrap [ErrTooLarge].
func (p *Page) Decode() (*samples.Samples, error) {
	all := make([]int, p.Channels)
	for i := range all {
		all[i] = i
	}
	return p.DecodeChannels(all)
}

// DecodeChannels is Decode for some of the channels, numbered from 0, in the given order.
func (p *Page) DecodeChannels(channels []int) (*samples.Samples, error) {
	if p.invalid != nil {
		return nil, p.invalid
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := p.supported(); err != nil {
		return nil, err
	}
	places, err := p.places()
	if err != nil {
		return nil, err
	}
	out := samples.New(p.Width, p.Height, len(channels), p.Kind, p.Bits)
	l := &p.chunks
	for i, place := range places {
		plane, down, across := i/(l.across*l.down), i/l.across%l.down, i%l.across
		if p.planar && !slices.Contains(channels, plane) || place.size == 0 {
			continue
		}
		data, err := p.chunk(i, place)
		if err != nil {
			return nil, fmt.Errorf("%s %d of %d: %w", l.unit(), i+1, len(places), err)
		}
		rows := min(l.rows(down, p.Height), p.Height-down*l.height)
		columns := min(l.width, p.Width-across*l.width)
		p.store(out, data, channels, plane, across*l.width, down*l.height, columns, rows)
	}
	return out, nil
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

// store puts a decoded chunk at its place in out.
func (p *Page) store(out *samples.Samples, data []byte, channels []int, plane, left, top, columns, rows int) {
	l := &p.chunks
	stride := int(p.rowBytes())
	if p.isBytes(channels) {
		for y := range rows {
			row := data[y*stride:][:stride]
			if p.predicts() && p.predictor == 2 {
				for i := l.samples; i < len(row); i++ {
					row[i] += row[i-l.samples]
				}
			}
			copy(out.U8[((top+y)*out.Width+left)*out.Channels:], row[:columns*l.samples])
		}
		return
	}
	words := make([]uint64, l.width*l.samples)
	for y := range rows {
		row := data[y*stride:][:stride]
		p.unpack(words, row)
		for i, c := range channels {
			from := words[min(c, l.samples-1):]
			if p.planar {
				if c != plane {
					continue
				}
				from = words
			}
			put(out, from, l.samples, columns, ((top+y)*out.Width+left)*out.Channels+i)
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
