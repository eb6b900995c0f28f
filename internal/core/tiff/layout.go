package tiff

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// A layout says how a page is cut into chunks (strips or tiles) that are stored one by one. Chunks of a plane go from left to right and from top to bottom,
// those of the next plane follow.
type layout struct {
	tiled         bool
	width, height int // of a chunk, in pixels
	across, down  int // chunks of a plane
	planes        int
	samples       int // of a pixel in a chunk
}

// readLayout reads where the samples are. number gives the first value of a tag.
func (p *Page) readLayout(entries []entry, number func(tag uint16, otherwise uint64) uint64) error {
	l := layout{planes: 1, samples: p.Channels}
	if p.planar {
		l.planes, l.samples = p.Channels, 1
	}
	offsets, counts := uint16(tagStripOffsets), uint16(tagStripByteCounts)
	if w, h := number(tagTileWidth, 0), number(tagTileLength, 0); w != 0 || h != 0 {
		if w == 0 || h == 0 || w > math.MaxInt32 || h > math.MaxInt32 {
			return fmt.Errorf("tiles of %dx%d pixels", w, h)
		}
		l.tiled, l.width, l.height = true, int(w), int(h)
		if _, ok := find(entries, tagTileOffsets); ok { // some writers give tiles the tags of strips
			offsets, counts = tagTileOffsets, tagTileByteCounts
		}
	} else {
		l.width = p.Width
		l.height = int(min(number(tagRowsPerStrip, math.MaxUint32), uint64(p.Height)))
		if l.height == 0 {
			l.height = p.Height
		}
	}
	l.across, l.down = ceil(p.Width, l.width), ceil(p.Height, l.height)
	p.chunks = l
	var ok bool
	if p.offsets, ok = find(entries, offsets); !ok {
		return errors.New("no offsets of strips or tiles")
	}
	p.counts, _ = find(entries, counts)
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// rows gives the number of rows that are stored in a chunk of the given row of chunks: the last strip ends with the page, tiles are always whole.
func (l *layout) rows(down, pageHeight int) int {
	if l.tiled {
		return l.height
	}
	return min(l.height, pageHeight-down*l.height)
}

// check compares the size of the page with the limits, before anything of that size is allocated.
func (p *Page) check() error {
	w, h, c := p.Width, p.Height, p.Channels
	switch side := p.o.MaxSide; {
	case side > 0 && (w > side || h > side):
		return fmt.Errorf("picture of %dx%d pixels: %w of %d a side", w, h, ErrTooLarge, side)
	case int64(w)*int64(h) > p.o.MaxPixels:
		return fmt.Errorf("picture of %dx%d pixels: %w of %.1f megapixels", w, h, ErrTooLarge, float64(p.o.MaxPixels)/1e6)
	case float64(w)*float64(h)*float64(c) > 4*float64(p.o.MaxPixels):
		return fmt.Errorf("picture of %dx%d pixels with %d samples each: %w of %.1f million samples", w, h, c, ErrTooLarge, 4*float64(p.o.MaxPixels)/1e6)
	}
	// A tile may reach beyond the page, but not by more than tiles of the usual sizes do.
	l := &p.chunks
	if n := float64(l.width) * float64(l.height) * float64(l.samples); n > 4*float64(max(p.o.MaxPixels, 1<<20)) {
		return fmt.Errorf("chunks of %dx%d pixels with %d samples each: %w of %.1f million samples", l.width, l.height, l.samples, ErrTooLarge, 4*float64(p.o.MaxPixels)/1e6)
	}
	return nil
}

// A place is where the bytes of a chunk lie.
type place struct {
	at, size uint64
	cut      bool // the file ends inside
}

// places gives where the chunks lie. Sizes are the file's where it gives them; missing and zero ones, and the one of a single uncompressed strip, follow from the
// picture or from where the next chunk begins, as in libtiff (tif_dirread.c: EstimateStripByteCounts). Of a chunk without an offset, which is all zero, the size is 0.
func (p *Page) places() ([]place, error) {
	l := &p.chunks
	n := uint64(l.across) * uint64(l.down) * uint64(l.planes)
	if p.offsets.count < n {
		return nil, fmt.Errorf("offsets of %d strips or tiles, want %d", p.offsets.count, n)
	}
	offsets, err := p.src.uints(p.offsets, n)
	if err != nil {
		return nil, err
	}
	var counts []uint64
	if p.counts.count >= n {
		if counts, err = p.src.uints(p.counts, n); err != nil {
			return nil, err
		}
	}
	out := make([]place, n)
	var next map[uint64]uint64 // of each offset, where the next chunk begins
	for i, at := range offsets {
		if at == 0 {
			continue
		}
		if at > math.MaxInt64-p.after {
			return nil, errTruncated
		}
		at += p.after
		size := uint64(0)
		if counts != nil {
			size = counts[i]
		}
		whole := p.chunkBytes(i)
		alone := (n == 1 || p.after > 0) && p.compression == compressionNone
		switch {
		case size == 0 && p.compression == compressionNone, alone:
			size = whole
		case size == 0:
			if next == nil {
				next = following(offsets, uint64(p.src.size))
			}
			size = next[at] - at
		}
		cut := at > uint64(p.src.size) || size > uint64(p.src.size)-at
		if cut {
			if at >= uint64(p.src.size) || p.compression == compressionNone {
				return nil, errTruncated
			}
			size = uint64(p.src.size) - at // what is there may suffice
		}
		out[i] = place{at, size, cut}
	}
	return out, nil
}

// following maps each offset to the next larger one, and the last to the end of the file.
func following(offsets []uint64, end uint64) map[uint64]uint64 {
	sorted := slices.Compact(slices.Sorted(slices.Values(offsets)))
	m := make(map[uint64]uint64, len(sorted))
	for i := len(sorted) - 1; i >= 0; i-- {
		m[sorted[i]] = max(end, sorted[i])
		end = sorted[i]
	}
	return m
}

// chunkBytes is the size of chunk i without compression.
func (p *Page) chunkBytes(i int) uint64 {
	l := &p.chunks
	rows := l.rows(i/l.across%l.down, p.Height)
	if p.subsampled() {
		hs, vs := p.subsample[0], p.subsample[1]
		return uint64(ceil(l.width, hs)) * uint64(ceil(rows, vs)) * uint64(hs*vs+2)
	}
	return uint64(rows) * p.rowBytes()
}

// rowBytes is the size of a row of a chunk: rows begin at bytes.
func (p *Page) rowBytes() uint64 {
	return (uint64(p.chunks.width)*uint64(p.chunks.samples)*uint64(p.Bits) + 7) / 8
}
