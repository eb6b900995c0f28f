package kernels

import "slices"

// PackedWinograd is the place of the transformed weights of one 3×3 convolution, one set of products for every pair of
// a tile height and a tile width. A tile of 5×5 takes 49 products where the weights had 9 values. [PackedWinograd.Transform]
// makes them.
type PackedWinograd struct {
	N, C       int   // output and input channels
	Rows, Cols []int // heights and widths of tiles: 3, 4, 5 or 7 outputs

	set      *Set
	from     *Packed
	bias     []float32
	groups   []panelGroup
	products [][]product // [row size × column size][product]
	rooms    [][]float32 // the weights of these products, one after the other
	made     bool
}

// product is the weights of one product, a 1×1 window, in blocks of channels that are summed one by one: the shorter
// a sum, the smaller its rounding error.
type product []*Packed

// sumChannels is the most channels of a block. Two blocks of 128 give 0.7 times the error of 256 channels in one sum,
// for 2 % of a layer's time.
const sumChannels = 128

// sums are the channels of the blocks.
func (x *PackedWinograd) sums() []int {
	blocks := ceil(x.C, sumChannels)
	var sizes []int
	for i := range blocks {
		sizes = append(sizes, (i+1)*x.C/blocks-i*x.C/blocks)
	}
	return sizes
}

// Winograd returns the place of the weights of a 3×3 window transformed for tiles of the given heights and widths.
func (w *Packed) Winograd(rows, cols []int) *PackedWinograd {
	if w.KH != 3 || w.KW != 3 {
		panic(badShape)
	}
	x := &PackedWinograd{N: w.N, C: w.C, Rows: slices.Clone(rows), Cols: slices.Clone(cols), set: w.set, from: w, groups: groupPanels(w.panels)}
	for _, p := range w.panels {
		x.bias = append(x.bias, p.bias[:p.width]...)
	}
	for _, height := range rows {
		for _, width := range cols {
			x.products = append(x.products, make([]product, transformFor(height).n*transformFor(width).n))
		}
	}
	return x
}

// Floats is the room that the transformed weights take, whole cache lines.
func (x *PackedWinograd) Floats() int {
	each, n := 0, 0
	for _, c := range x.sums() {
		each += x.set.PackedFloats(1, 1, c, x.N)
	}
	for _, products := range x.products {
		n += len(products) * each
	}
	return n
}

// Made reports whether Transform has made the weights.
func (x *PackedWinograd) Made() bool { return x.made }

// Transform makes the weights in memory of the caller's that starts at a cache line. The arithmetic is float64,
// rounded once.
func (x *PackedWinograd) Transform(room []float32) {
	x.Place(room)
	for panel := range x.from.panels {
		x.TransformPanel(panel)
	}
}

// Place gives the weights their memory. TransformPanel, for each of Packed.Panels and from several goroutines, then makes
// them: what Transform does, in parts. The weights that they are made of may have been packed anew since Winograd was called.
func (x *PackedWinograd) Place(room []float32) {
	sums := x.sums()
	x.rooms = x.rooms[:0]
	for _, products := range x.products {
		x.rooms = append(x.rooms, room)
		for i := range products {
			products[i] = products[i][:0]
			for _, c := range sums {
				each := x.set.PackedFloats(1, 1, c, x.N)
				products[i] = append(products[i], x.set.layout(room[:each:each], 1, 1, c, x.N))
				room = room[each:]
			}
		}
	}
	x.made = true
}

// TransformPanel makes the weights of a panel of output channels.
func (x *PackedWinograd) TransformPanel(panel int) {
	p := &x.from.panels[panel]
	copy(x.bias[p.first:], p.bias[:p.width])
	for kind, products := range x.products {
		for _, sums := range products {
			for _, w := range sums {
				clear(w.panels[panel].bias) // a product has none
			}
		}
		down := transformFor(x.Rows[kind/len(x.Cols)]).g
		across := transformFor(x.Cols[kind%len(x.Cols)]).g
		x.panel(panel, down, across, products)
	}
}

// panel transforms one panel, G·w·Gᵀ for every pair of channels, some of them at a time: what is read and what is
// computed on the way stays in the first-level cache.
func (x *PackedWinograd) panel(panel int, down, across [][3]float64, products []product) {
	from := x.from.panels[panel].weights
	size := len(from) / 9
	const block = 256
	var taps [9][block]float64
	var columns [3][block]float64 // one row of G applied to the three rows of taps
	begin := 0
	for sum := range products[0] {
		each := len(products[0][sum].panels[panel].weights)
		for first := 0; first < each; first += block {
			n := min(block, each-first)
			for t := range taps {
				for i, v := range from[t*size+begin+first:][:n] {
					taps[t][i] = float64(v)
				}
			}
			for r, g := range down {
				for col := range columns {
					w0, w1, w2, y := taps[col][:n], taps[3+col][:n], taps[6+col][:n], columns[col][:n]
					for i := range y {
						y[i] = float64(float64(g[0]*w0[i])+float64(g[1]*w1[i])) + float64(g[2]*w2[i])
					}
				}
				for c, g := range across {
					x0, x1, x2 := columns[0][:n], columns[1][:n], columns[2][:n]
					y := products[r*len(across)+c][sum].panels[panel].weights[first:][:n]
					for i := range y {
						y[i] = float32(float64(float64(g[0]*x0[i])+float64(g[1]*x1[i])) + float64(g[2]*x2[i]))
					}
				}
			}
		}
		begin += each
	}
}

func transformFor(m int) *transform {
	t := transforms[m]
	if t == nil {
		panic(badTile)
	}
	return t
}
