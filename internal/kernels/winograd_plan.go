package kernels

// WinogradPlan says how maps of one size are cut into tiles.
type WinogradPlan struct {
	w             *PackedWinograd
	height, width int
	kinds         []tileKind
	most          int // tiles in a block at most
	workers       int
	tmp, edge     int // floats: lines between the two passes of a transform, one tile of output
	products      int // of the kind that has most
}

// tileKind is all tiles of one height and width.
type tileKind struct {
	down, across *transform
	rows, cols   []piece
	products     []*Packed
}

// piece is a tile on one axis: outputs start … start+size-1, of which the first skip belong to the piece before.
type piece struct{ start, size, skip int }

// Plan cuts maps of height × width outputs into tiles, for so many workers, or returns nil if the map is smaller
// than every tile.
func (w *PackedWinograd) Plan(height, width, workers int) *WinogradPlan {
	rows, cols := cut(height, w.Rows), cut(width, w.Cols)
	if rows == nil || cols == nil {
		return nil
	}
	p := &WinogradPlan{w: w, height: height, width: width, workers: workers}
	for i, m := range w.Rows {
		for j, n := range w.Cols {
			k := tileKind{down: transforms[m], across: transforms[n], rows: ofSize(rows, m), cols: ofSize(cols, n), products: w.products[i*len(w.Cols)+j]}
			if len(k.rows)*len(k.cols) == 0 {
				continue
			}
			p.kinds = append(p.kinds, k)
			p.products = max(p.products, len(k.products))
		}
	}
	p.tmp = p.products * chunkFloats
	p.edge = 49 * w.N
	// Blocks as large as the second-level cache holds a product's inputs and outputs, at least a few micro-kernels.
	p.most = 112
	return p
}

func ofSize(pieces []piece, size int) []piece {
	var s []piece
	for _, p := range pieces {
		if p.size == size {
			s = append(s, p)
		}
	}
	return s
}

// cut covers an axis with tiles of one or two sizes so that the fewest products are needed, then that the fewest
// outputs are computed twice. It returns nil if no tile fits.
func cut(length int, sizes []int) []piece {
	first, second := sizes[0], sizes[len(sizes)-1]
	bestA, bestB, bestCost := -1, 0, 0
	for a := 0; a <= (length+first-1)/first; a++ {
		b := max(0, (length-a*first+second-1)/second)
		if a > 0 && first > length || b > 0 && second > length || b > 0 && len(sizes) == 1 {
			continue
		}
		excess := a*first + b*second - length
		cost := (a*(first+2)+b*(second+2))*(length+8) + excess
		if bestA < 0 || cost < bestCost {
			bestA, bestB, bestCost = a, b, cost
		}
	}
	if bestA < 0 {
		return nil
	}
	var pieces []piece
	next := 0
	for i := range bestA + bestB {
		size := first
		if i >= bestA {
			size = second
		}
		start := min(next, length-size)
		pieces = append(pieces, piece{start: start, size: size, skip: next - start})
		next = start + size
	}
	return pieces
}

// Blocks is the number of blocks of tiles, the unit in which [Set.Winograd] splits its work.
func (p *WinogradPlan) Blocks(items int) int {
	n := 0
	for i := range p.kinds {
		n += p.blocksOf(&p.kinds[i], items)
	}
	return n
}

func (p *WinogradPlan) blocksOf(k *tileKind, items int) int {
	return (k.tiles(items) + p.blockTiles(items) - 1) / p.blockTiles(items)
}

func (k *tileKind) tiles(items int) int { return items * len(k.rows) * len(k.cols) }

// blockTiles is how many tiles a block has at most: few enough that every worker gets some blocks, but enough to use
// the weights of a product more than once.
func (p *WinogradPlan) blockTiles(items int) int {
	const fewest, unit = 28, 14
	total := 0
	for i := range p.kinds {
		total += p.kinds[i].tiles(items)
	}
	n := total / (2 * p.workers)
	return min(max(n/unit*unit, fewest), p.most)
}

// Scratch is the number of floats that a call of [Set.Winograd] needs for itself.
func (p *WinogradPlan) Scratch() int {
	v, m := p.slabs(p.most)
	return cacheLine + p.tmp + 2*p.w.lanesUp(p.w.N) + p.edge + p.products*(v+m) + 4*cacheLine
}

const cacheLine = 16 // floats

// slabs are the distances between the products in transformed inputs and outputs of so many tiles: an odd number of
// cache lines, because a power of two would put all products of a tile into one set of the cache.
func (p *WinogradPlan) slabs(tiles int) (v, m int) {
	odd := func(floats int) int { return ((floats+cacheLine-1)/cacheLine | 1) * cacheLine }
	return odd(tiles * p.w.lanesUp(p.w.C)), odd(tiles * p.w.lanesUp(p.w.N))
}

// lanesUp is n rounded up to full vectors.
func (w *PackedWinograd) lanesUp(n int) int { return (n + w.set.lanes - 1) / w.set.lanes * w.set.lanes }
