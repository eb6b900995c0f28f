// Package roialign cuts features of a fixed size out of a pyramid of maps: multilevel RoIAlign (Mask R-CNN, arXiv 1703.06870 §3; levels as in FPN,
// arXiv 1612.03144 §4.2).
//
// Axis legend: y, x: rows, columns of a map; i, j: rows, columns of a crop.
package roialign

import (
	"sync"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// Map is Height×Width×Channels floats, channel fastest. Data begins at pixel (0, 0); rows may lie further apart than Width·Channels.
type Map struct {
	Data                    []float32
	Height, Width, Channels int
	RowStride               int // floats from one row to the next
}

// pixel is the channels at (y, x).
func (m *Map) pixel(y, x int32) []float32 {
	return m.Data[int(y)*m.RowStride+int(x)*m.Channels:][:m.Channels]
}

// Crops is room for size×size×Channels features of each RoI. Data begins at pixel (0, 0) of the first.
type Crops struct {
	Data                  []float32
	ItemStride, RowStride int // floats from one RoI, from one row to the next
}

// Aligner cuts by the rules of a config. It is safe for concurrent use.
type Aligner struct {
	c       *config.RoIAlign
	kernels *kernels.Set
	places  sync.Pool // *places, one for each call at work
}

// places are the taps along both axes.
type places struct{ vertical, horizontal line }

// New makes an aligner that computes with the given kernels.
func New(c *config.RoIAlign, set *kernels.Set) *Aligner { return &Aligner{c: c, kernels: set} }

// maxSize bounds the side of a crop (as config.RoIAlign does), so that positions need no memory.
const maxSize = 64

// Align fills dst with size×size crops of boxes (input pixels). maps are levels MinLevel…MaxLevel of the config, for an input in which the photo
// takes the given size. To split work, call it with parts of boxes and of dst.
func (a *Aligner) Align(dst Crops, size int, maps []Map, photo box.Size, boxes []box.Box) {
	if size > maxSize {
		panic("roialign: size of a crop over 64")
	}
	p, _ := a.places.Get().(*places)
	if p == nil {
		p = new(places)
	}
	defer a.places.Put(p)
	var scales scales
	a.scales(&scales, maps, photo)
	for n, b := range boxes {
		level := a.level(b, &scales)
		m, scale := &maps[level-scales.min], scales.of[level-scales.min]
		rows, columns := p.vertical.reset(size), p.horizontal.reset(size)
		a.place(rows, b.Y1, b.Y2, scale, m.Height)
		a.place(columns, b.X1, b.X2, scale, m.Width)
		for i := range size {
			out := dst.Data[n*dst.ItemStride+i*dst.RowStride:][:size*m.Channels]
			for j := range size {
				a.blend(out[j*m.Channels:][:m.Channels], m, &rows[i], &columns[j])
			}
		}
	}
}

// blend sets dst to the sum of the pixels at all pairs of taps, times both weights.
func (a *Aligner) blend(dst []float32, m *Map, row, column *taps) {
	if len(row.at) == 0 || len(column.at) == 0 {
		clear(dst)
		return
	}
	if len(row.at) == 2 && len(column.at) == 2 {
		y0, y1, x0, x1 := row.at[0], row.at[1], column.at[0], column.at[1]
		wy0, wy1, wx0, wx1 := row.weight[0], row.weight[1], column.weight[0], column.weight[1]
		a.kernels.Blend4(dst, m.pixel(y0, x0), m.pixel(y0, x1), m.pixel(y1, x0), m.pixel(y1, x1), wy0*wx0, wy0*wx1, wy1*wx0, wy1*wx1)
		return
	}
	// Four pixels at once, then three more and what is there already.
	var p [4][]float32
	var w [4]float32
	have, first := 0, true
	flush := func() {
		if have == 0 {
			return
		}
		for ; have < 4; have++ {
			p[have], w[have] = p[0], 0
		}
		if !first {
			p[3], w[3] = dst, 1
		}
		a.kernels.Blend4(dst, p[0], p[1], p[2], p[3], w[0], w[1], w[2], w[3])
		have, first = 0, false
	}
	for i, y := range row.at {
		for j, x := range column.at {
			p[have], w[have] = m.pixel(y, x), row.weight[i]*column.weight[j]
			if have++; have == 4 || !first && have == 3 {
				flush()
			}
		}
	}
	flush()
}

// Back adds the gradient of crops to the gradients of the maps that they were cut
// from, for the channels first … last−1: Align's transpose. maps and boxes are as
// for Align, with gradients in place of features; no gradient reaches the boxes.
// To split work, call it with parts of the channels: a sum's order is that of the
// boxes.
func (a *Aligner) Back(maps []Map, size int, crops Crops, photo box.Size, boxes []box.Box, first, last int) {
	if size > maxSize {
		panic("roialign: size of a crop over 64")
	}
	p, _ := a.places.Get().(*places)
	if p == nil {
		p = new(places)
	}
	defer a.places.Put(p)
	var scales scales
	a.scales(&scales, maps, photo)
	for n, b := range boxes {
		level := a.level(b, &scales)
		m, scale := &maps[level-scales.min], scales.of[level-scales.min]
		rows, columns := p.vertical.reset(size), p.horizontal.reset(size)
		a.place(rows, b.Y1, b.Y2, scale, m.Height)
		a.place(columns, b.X1, b.X2, scale, m.Width)
		for i := range size {
			row := crops.Data[n*crops.ItemStride+i*crops.RowStride:][:size*m.Channels]
			for j := range size {
				g := row[j*m.Channels:][first:last]
				spread(m, g, &rows[i], &columns[j], first, last)
			}
		}
	}
}

// spread adds g to the pixels at all pairs of taps, times both weights.
func spread(m *Map, g []float32, row, column *taps, first, last int) {
	for i, y := range row.at {
		for j, x := range column.at {
			w := row.weight[i] * column.weight[j]
			to := m.pixel(y, x)[first:last]
			for c, v := range g {
				to[c] += float32(w * v)
			}
		}
	}
}
