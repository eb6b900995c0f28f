package kernels

import "slices"

// PackedWinograd holds the transformed weights of one 3×3 convolution, one set of products for every pair of a tile
// height and a tile width. A tile of 5×5 takes 49 products where the weights had 9 values.
type PackedWinograd struct {
	N, C       int   // output and input channels
	Rows, Cols []int // heights and widths of tiles: 3, 4, 5 or 7 outputs

	set      *Set
	bias     []float32
	products [][]*Packed // [row size × column size][product], each a 1×1 window
}

// Bytes is the memory that the packed weights take.
func (w *PackedWinograd) Bytes() int {
	n := 4 * len(w.bias)
	for _, products := range w.products {
		for _, p := range products {
			n += p.Bytes()
		}
	}
	return n
}

// PackWinograd transforms weights, [3][3][c][n], for tiles of the given heights and widths; bias is [n] or nil. The
// arithmetic is float64, rounded once.
func (s *Set) PackWinograd(weights []float32, c, n int, bias []float32, rows, cols []int) *PackedWinograd {
	if c < 1 || n < 1 {
		panic(badShape)
	}
	if len(weights) < 9*c*n || bias != nil && len(bias) < n {
		panic(shortWeights)
	}
	w := &PackedWinograd{N: n, C: c, Rows: slices.Clone(rows), Cols: slices.Clone(cols), set: s, bias: make([]float32, n)}
	copy(w.bias, bias)
	taps := func(row, col int) []float32 { return weights[(row*3+col)*c*n:][:c*n] }
	product := make([]float32, c*n)
	room := s.packedFloats(c, n)
	all := Alloc(room * productsOf(rows) * productsOf(cols))
	var columns [3][]float64 // one row of G applied to the three rows of taps
	for i := range columns {
		columns[i] = make([]float64, c*n)
	}
	for _, height := range rows {
		for _, width := range cols {
			var products []*Packed
			for _, down := range transformFor(height).filter() {
				for col := range columns {
					w0, w1, w2 := taps(0, col), taps(1, col), taps(2, col)
					for i := range columns[col] {
						columns[col][i] = down[0]*float64(w0[i]) + down[1]*float64(w1[i]) + down[2]*float64(w2[i])
					}
				}
				for _, across := range transformFor(width).filter() {
					for i := range product {
						product[i] = float32(across[0]*columns[0][i] + across[1]*columns[1][i] + across[2]*columns[2][i])
					}
					products = append(products, s.packInto(all[:room], product, 1, 1, c, n, nil))
					all = all[room:]
				}
			}
			w.products = append(w.products, products)
		}
	}
	return w
}

// productsOf is how many products along one axis tiles of these sizes have.
func productsOf(sizes []int) (n int) {
	for _, m := range sizes {
		n += m + 2
	}
	return n
}

func transformFor(m int) *transform {
	t := transforms[m]
	if t == nil {
		panic(badTile)
	}
	return t
}
