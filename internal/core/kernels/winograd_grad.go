package kernels

// WinogradGrad computes the gradient of the kernel of a 3×3 convolution with stride 1 by Winograd's method: what an
// output tile's gradient dy gives to the kernel is Gᵀ·((A·dy) ∘ (Bᵀ·x)), the forward formula (winograd_points.go)
// transposed. Gᵀ is linear, so the products of all tiles are summed first and Gᵀ is applied once.
//
// The caller runs, for each kind of tiles, Transform and Sum for one block of tiles after the other, and then Finish.
// Each of them may be split; the order of the blocks decides the order of the sums. Several runs of tiles may have sums
// of their own, which the caller adds up before Finish.
type WinogradGrad struct {
	C, N int

	set                         *Set
	kinds                       []tileKind
	inPixel, gradPixel          int // floats between tiles
	inputs, slab                int // floats of the inputs of a product, and between products
	blockTiles, products, sides int // most tiles of a block, most products and outputs of a tile
}

// A GradTiles is what tiles are cut from. In starts at the first tap of the first output, Grad at the gradient of that;
// distances are in floats, C and N between pixels.
type GradTiles struct {
	In                []float32
	InItem, InRow     int
	Grad              []float32
	GradItem, GradRow int
}

// Transformed inputs and gradients of a block are read once for each product. If a worker computes all products of its
// block alone, they should lie in its second-level cache beside the sums; if all workers share a block they lie in the
// last-level cache, and the larger it is the less often the sums are read and written.
const (
	ownBlockBytes    = 1280 << 10
	fewestOwnTiles   = 32
	sharedBlockBytes = 48 << 20
)

// WinogradGrad plans the gradients of a kernel [3][3][c][n] over items maps of height × width outputs, cut into tiles
// of at most side outputs on an axis; own says that a block belongs to one worker. It is nil where the map is smaller
// than every tile.
func (s *Set) WinogradGrad(c, n, items, height, width, side int, own bool) *WinogradGrad {
	heights, widths := Tiles(height, width, side)
	if heights == nil {
		return nil
	}
	rows, cols := cut(height, heights), cut(width, widths)
	if rows == nil || cols == nil {
		return nil
	}
	odd := func(floats int) int { return (ceil(floats, cacheLine) | 1) * cacheLine } // not a power of two: see slab
	pixel := func(channels int) int {                                                // the lines of a channel's tiles lie in different places of the cache
		lines := ceil(channels, cacheLine)
		if lines%4 == 0 {
			lines++
		}
		return lines * cacheLine
	}
	w := &WinogradGrad{C: c, N: n, set: s, inPixel: pixel(c), gradPixel: pixel(n)}
	most := 0
	for _, a := range heights {
		for _, b := range widths {
			k := tileKind{down: transforms[a], across: transforms[b], rows: ofSize(rows, a), cols: ofSize(cols, b)}
			if k.tiles(items) == 0 {
				continue
			}
			w.kinds = append(w.kinds, k)
			most = max(most, k.tiles(items))
			w.products, w.sides = max(w.products, k.size()), max(w.sides, a*b)
		}
	}
	fewest, bytes := fewestTiles, sharedBlockBytes
	if own {
		fewest, bytes = fewestOwnTiles, ownBlockBytes
	}
	w.blockTiles = min(most, max(fewest, bytes/(4*w.products*(w.inPixel+w.gradPixel))))
	w.inputs = odd(w.blockTiles * w.inPixel)
	w.slab = odd(w.inputs + w.blockTiles*w.gradPixel)
	return w
}

func (k *tileKind) size() int { return k.down.n * k.across.n }

// Kinds is the number of kinds of tiles.
func (w *WinogradGrad) Kinds() int { return len(w.kinds) }

// Tiles is the number of tiles of a kind, Products that of its products, BlockTiles the most tiles of a block.
func (w *WinogradGrad) Tiles(kind, items int) int { return w.kinds[kind].tiles(items) }
func (w *WinogradGrad) Products(kind int) int     { return w.kinds[kind].size() }
func (w *WinogradGrad) BlockTiles() int           { return w.blockTiles }

// Floats is the memory of a block's transformed inputs and gradients, of the sums of all products, and of a worker.
func (w *WinogradGrad) Floats() (block, sums, worker int) {
	return w.products * w.slab, w.products * w.C * w.N, w.products*chunkFloats + w.sides*w.N
}

// Transform transforms tile t of a kind as number i of the block.
func (w *WinogradGrad) Transform(g *GradTiles, kind, t, i int, block, scratch []float32) {
	k, s := &w.kinds[kind], w.set
	item, row, col := k.at(t)
	in := g.In[item*g.InItem+row.start*g.InRow+col.start*w.C:]
	grad, gradRow := g.Grad[item*g.GradItem+row.start*g.GradRow+col.start*w.N:], g.GradRow
	raceTile(in, g.InRow, row.size+2, (col.size+2)*w.C)
	raceTile(grad, g.GradRow, row.size, col.size*w.N)
	tmp, edge := scratch[:w.products*chunkFloats], scratch[w.products*chunkFloats:]
	if row.skip > 0 || col.skip > 0 { // the outputs that belong to a neighbour count there
		n := w.N
		clear(edge[:row.size*col.size*n])
		for y := row.skip; y < row.size; y++ {
			copy(edge[(y*col.size+col.skip)*n:(y+1)*col.size*n], grad[y*gradRow+col.skip*n:])
		}
		grad, gradRow = edge, col.size*n
	}
	down, across := k.down, k.across
	v, u := block[i*w.inPixel:], block[w.inputs+i*w.gradPixel:]
	for ch := 0; ch < w.C; ch += chunkFloats {
		channels := min(chunkFloats, w.C-ch)
		s.winograd.input[down.m](down.in, in[ch:], g.InRow, w.C, 0, tmp, across.n*chunkFloats, chunkFloats, across.n, channels)
		s.winograd.input[across.m](across.in, tmp, chunkFloats, across.n*chunkFloats, 0, v[ch:], w.slab, across.n*w.slab, down.n, channels)
	}
	for ch := 0; ch < w.N; ch += chunkFloats {
		channels := min(chunkFloats, w.N-ch)
		s.winograd.gradient[down.m](down.out, grad[ch:], gradRow, w.N, 0, tmp, across.m*chunkFloats, chunkFloats, across.m, channels)
		s.winograd.gradient[across.m](across.out, tmp, chunkFloats, across.m*chunkFloats, 0, u[ch:], w.slab, across.n*w.slab, down.n, channels)
	}
}

// Sum sets, or with add adds to, the sums of a product those of the first tiles of a block, for some groups of input
// channels (OuterGroups).
func (w *WinogradGrad) Sum(product, tiles, group0, group1 int, block, sums []float32, add bool) {
	o := Outer{
		In: block[product*w.slab:], InPixel: w.inPixel,
		Grad: block[product*w.slab+w.inputs:], GradPixel: w.gradPixel,
		Rows: 1, Pixels: tiles, Out: sums[product*w.C*w.N:], C: w.C, N: w.N, Add: add,
	}
	if next := product + 1; next < w.products {
		o.NextIn, o.NextGrad = sums[next*w.C*w.N:][:w.C*w.N], block[next*w.slab:][:tiles*w.inPixel]
	}
	w.set.Outer(&o, group0, group1)
}

// Finish adds to the gradient, [3][3][c][n], what the sums of a kind give to the pairs of channels from … to−1, of C·N.
// The arithmetic is float64.
func (w *WinogradGrad) Finish(kind, from, to int, sums, grad []float32) {
	k := &w.kinds[kind]
	down, across := k.down.g, k.across.g
	const block = 128
	var half [3][9][block]float64 // Gᵀ applied to the rows of products
	for ; from < to; from += block {
		n := min(block, to-from)
		for j := range across {
			for r := range half {
				clear(half[r][j][:n])
			}
			for i, g := range down {
				x := sums[(i*len(across)+j)*w.C*w.N+from:][:n]
				h0, h1, h2 := half[0][j][:n], half[1][j][:n], half[2][j][:n]
				for e, v := range x {
					v := float64(v)
					h0[e] += float64(g[0] * v)
					h1[e] += float64(g[1] * v)
					h2[e] += float64(g[2] * v)
				}
			}
		}
		for tap := range 9 {
			var sum [block]float64
			for j, g := range across {
				for e, v := range half[tap/3][j][:n] {
					sum[e] += float64(g[tap%3] * v)
				}
			}
			to := grad[tap*w.C*w.N+from:][:n]
			for e := range to {
				to[e] += float32(sum[e])
			}
		}
	}
}
