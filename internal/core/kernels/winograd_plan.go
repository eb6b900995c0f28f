package kernels

// WinogradPlan says how maps of one size are cut into tiles.
//
// Where the weights and all workers' blocks fill half of the last cache, what a transform writes has left the cache before
// anybody reads it. Then it is stored past the cache, which spares reading the memory that it goes to.
type WinogradPlan struct {
	w             *PackedWinograd
	height, width int
	workers       int
	kinds         []tileKind
	slabs         int // floats of transformed inputs and outputs
	past          bool
	tmp, edge     int // floats between the two passes of a transform, and of one tile of output
}

// tileKind is all tiles of one height and width.
type tileKind struct {
	down, across *transform
	rows, cols   []piece
	products     []product
	index        int // of its weights
	most         int // tiles in a block
}

// piece is a tile on one axis: outputs start … start+size-1, of which the first skip belong to the piece before.
type piece struct{ start, size, skip int }

// Plan cuts maps of height × width outputs into tiles, for so many workers, or returns nil if the map is smaller than
// every tile.
func (w *PackedWinograd) Plan(height, width, workers int) *WinogradPlan {
	rows, cols := cut(height, w.Rows), cut(width, w.Cols)
	if rows == nil || cols == nil {
		return nil
	}
	p := &WinogradPlan{w: w, height: height, width: width, workers: workers}
	for i, m := range w.Rows {
		for j, n := range w.Cols {
			k := tileKind{down: transforms[m], across: transforms[n], rows: ofSize(rows, m), cols: ofSize(cols, n), index: i*len(w.Cols) + j}
			k.products = w.products[k.index]
			if len(k.rows)*len(k.cols) == 0 {
				continue
			}
			k.most = w.blockTiles(len(k.products))
			p.kinds = append(p.kinds, k)
			_, slab := p.slab(k.most)
			p.slabs = max(p.slabs, len(k.products)*slab)
			p.tmp = max(p.tmp, len(k.products)*chunkFloats)
			p.edge = max(p.edge, m*n*w.N)
		}
	}
	p.past = w.set.winograd.inputPast[w.Rows[0]] != nil && 4*(workers*p.slabs+w.Floats()) > lastCache()/2
	return p
}

// A block is as many tiles as the second-level cache holds the transformed inputs and outputs of, but no fewer than
// make it worth while to read the weights; where that is not possible everything comes from the third-level cache, and
// large blocks read the weights less often. Half as many are worth while where a worker would have nothing to do: 35 tiles
// of 512 channels take 7 ms of two threads instead of 11 of one.
const (
	fewestTiles  = 28
	fewestShared = 14
	mostTiles    = 140
	tilesBytes   = 1 << 20
)

func (w *PackedWinograd) blockTiles(products int) int {
	tiles := tilesBytes / (4 * products * (roundUp(w.C, w.set.lanes) + w.groupWidth()))
	if tiles < fewestTiles {
		return mostTiles
	}
	return min(tiles, mostTiles)
}

// groupWidth is the room in floats for the widest group of output channels of a pixel.
func (w *PackedWinograd) groupWidth() int {
	widest := 0
	for _, g := range w.groups {
		widest = max(widest, roundUp(g.width, w.set.lanes))
	}
	return widest
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

// blocksOf is a multiple of the number of workers, so that all have the same to do, if there are tiles enough.
func (p *WinogradPlan) blocksOf(k *tileKind, items int) int {
	tiles := k.tiles(items)
	least := (tiles + k.most - 1) / k.most
	return min(roundUp(least, p.workers), max(least, tiles/fewestShared))
}

func (k *tileKind) tiles(items int) int { return items * len(k.rows) * len(k.cols) }

// Scratch is the number of floats that a call of [Set.Winograd] needs for itself.
func (p *WinogradPlan) Scratch() int {
	return p.slabs + p.tmp + p.edge + 2*p.w.N + 5*cacheLine
}

// slab is the distance between the products of so many tiles, of which inputs are the transformed inputs: both odd
// numbers of cache lines, because a power of two would put all products of a tile into one set of the cache.
func (p *WinogradPlan) slab(tiles int) (inputs, slab int) {
	odd := func(floats int) int { return ((floats+cacheLine-1)/cacheLine | 1) * cacheLine }
	inputs = odd(tiles * roundUp(p.w.C, p.w.set.lanes))
	return inputs, odd(inputs + tiles*p.w.groupWidth())
}

// Tiles returns the heights and widths of Winograd's tiles for maps of h×w
// outputs, of at most so many outputs a side. The features of a RoI are 7×7, which
// (4+3)×7 covers with an error of 3e-6. Nil where the map is smaller than every
// tile.
func Tiles(h, w, most int) (rows, cols []int) {
	if h == 7 && w == 7 {
		return []int{4, 3}, []int{7}
	}
	side := func(n int) []int {
		if n < 3 {
			return nil
		}
		return []int{min(n, most)}
	}
	rows, cols = side(h), side(w)
	if rows == nil || cols == nil {
		return nil, nil
	}
	return rows, cols
}
