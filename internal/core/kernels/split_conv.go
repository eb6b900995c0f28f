package kernels

import "unsafe"

const (
	splitBandBytes  = 1 << 20 // of inputs and outputs that stay in the second-level cache while the panels pass
	splitBandPixels = 192     // least number of outputs that make it worth while to read the weights
	splitBlocks     = 4       // blocks whose sums stay in the first-level cache until they are finished
	splitBlockSteps = 16      // steps of a long sum that are done for all outputs before the next: their weights of a panel stay in the cache
)

// splitGeometry is where a band of output rows of one item finds its split inputs: high parts, and low ones a plane
// further on. Distances are in values.
type splitGeometry struct {
	inRows, rowPixels int // of the window's inputs
	row               int // values of an input row
	plane             int
	flat              bool // output rows follow each other at the distance of input rows, some garbage pixels between them
}

func (w *PackedSplit) geometry(c *Conv, rows int) splitGeometry {
	g := splitGeometry{inRows: (rows-1)*c.StrideY + w.KH, rowPixels: (c.Width-1)*c.StrideX + w.KW, flat: c.StrideY == 1 && c.StrideX == 1}
	pitch := w.pitch
	if w.long(c) {
		pitch = splitBlockSteps * splitK
	}
	g.row = g.rowPixels * pitch
	// A block reads whole tiles and whole steps.
	g.plane = roundUp(g.inRows*g.row+2*splitRows*c.StrideX*pitch+splitK, 2*cacheLine)
	return g
}

// long says whether the sums of a dense layer or 1×1 window are done in blocks.
func (w *PackedSplit) long(c *Conv) bool {
	return w.KH*w.KW == 1 && w.steps > 4*splitBlockSteps && c.StrideY == 1 && c.StrideX == 1
}

// bandRows is the number of output rows that are done together.
func (w *PackedSplit) bandRows(c *Conv) int {
	pixels := max(splitBandPixels, splitBandBytes/(4*(w.pitch*c.StrideX*c.StrideY+w.N)))
	return max(1, min(pixels/c.Width, c.Height))
}

// SplitScratch is the number of floats that a call of [Set.Split] needs for itself.
func (w *PackedSplit) SplitScratch(c *Conv) int {
	g := w.geometry(c, w.bandRows(c))
	return g.plane + w.sums(c)*splitSums + w.panels*splitWidth + 4*cacheLine
}

// sums is the number of blocks whose sums are kept at once.
func (w *PackedSplit) sums(c *Conv) int {
	if !w.long(c) {
		return splitBlocks
	}
	return (c.Width*w.bandRows(c) + 2*splitRows - 1) / (2 * splitRows) * w.panels
}

// Split computes what [Set.Conv] computes, with split numbers; c.W is not used. Any split into calls gives the same
// bits. scratch must hold [PackedSplit.SplitScratch] floats, and only one call at a time may use it.
func (s *Set) Split(c *Conv, w *PackedSplit, row0, row1, panel0, panel1 int, scratch []float32) {
	w.check(s, c, row0, row1, panel0, panel1)
	if row0 == row1 || panel0 == panel1 {
		return
	}
	if len(scratch) < w.SplitScratch(c) {
		panic(shortScratch)
	}
	raceSplit(c, w, row0, row1, panel0, panel1)
	b := splitBand{Set: s, c: c, w: w, panel0: panel0, panel1: panel1}
	b.place(scratch, w.sums(c)*splitSums)
	for row, most := row0, w.bandRows(c); row < row1; {
		item, y := row/c.Height, row%c.Height
		b.rows = min(most, c.Height-y, row1-row)
		b.splitGeometry = w.geometry(c, b.rows)
		b.run(item, y)
		row += b.rows
	}
}

func (w *PackedSplit) check(s *Set, c *Conv, row0, row1, panel0, panel1 int) {
	if w.set != s {
		panic(otherSet)
	}
	if panel0 < 0 || panel0 > panel1 || panel1 > w.panels {
		panic(badPanels)
	}
	c.check(w.KH, w.KW, w.C, w.N, row0, row1)
}

// splitBand is some output rows of one item.
type splitBand struct {
	*Set
	splitGeometry
	c              *Conv
	w              *PackedSplit
	panel0, panel1 int
	rows           int

	split []uint16  // inputs: two planes
	kept  []float32 // sums
	shift []float32 // with the bias
	floor float32
}

// place cuts the scratch memory.
func (b *splitBand) place(scratch []float32, sums int) {
	w, c := b.w, b.c
	scratch = aligned(scratch, 4*cacheLine)
	b.kept, scratch = scratch[:sums], scratch[sums:]
	b.shift, scratch = scratch[:w.panels*splitWidth], scratch[w.panels*splitWidth:]
	b.split = unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(scratch))), 2*len(scratch))
	copy(b.shift, w.bias)
	if c.Scale != nil {
		for n := range w.N {
			b.shift[n] = float32(c.Scale[n]*w.bias[n]) + c.Shift[n]
		}
	}
	b.floor = negativeInfinity
	if c.Act == Relu {
		b.floor = 0
	}
}

// run computes the outputs of rows y … y+b.rows-1 of an item.
func (b *splitBand) run(item, y int) {
	c, w := b.c, b.w
	in := c.In[item*c.InItem+y*c.StrideY*c.InRow:]
	out := c.Out[item*c.OutItem+y*c.OutRow:]
	var residual []float32
	if c.Residual != nil {
		residual = c.Residual[item*c.ResItem+y*c.ResRow:]
	}
	if w.long(c) {
		b.runLong(in, out, residual)
		return
	}
	for r := range b.inRows {
		b.convertRow(b.split[r*b.row:], in[r*c.InRow:], 0, w.C, w.pitch)
	}
	clear(b.split[b.inRows*b.row:][:splitK])
	clear(b.split[b.plane+b.inRows*b.row:][:splitK])
	for p := b.panel0; p < b.panel1; p++ {
		if b.flat {
			b.line(p, 0, (b.rows-1)*b.rowPixels+c.Width, out, residual)
			continue
		}
		for r := range b.rows {
			var res []float32
			if residual != nil {
				res = residual[r*c.ResRow:]
			}
			b.line(p, r*c.StrideY*b.row, c.Width, out[r*c.OutRow:], res)
		}
	}
	if c.Act > Relu {
		b.activate(out)
	}
}

// convertRow splits n channels from the first of all pixels of an input row.
func (b *splitBand) convertRow(dst []uint16, in []float32, first, n, pitch int) {
	c := b.c
	if n == pitch && c.InPixel == n {
		amxSplit(&dst[0], 2*b.plane, 0, &in[0], 0, 1, b.rowPixels*n)
		return
	}
	amxSplit(&dst[0], 2*b.plane, 2*pitch, &in[first], 4*c.InPixel, b.rowPixels, n)
}

// line computes a panel of some outputs that follow each other at a constant distance, from at in the split input on.
func (b *splitBand) line(panel, at, outputs int, out, residual []float32) {
	w := b.w
	var taps [maxWindow]splitTap
	for y := range w.KH {
		taps[y] = splitTap{2 * y * b.row, 2 * y * w.steps * splitStep}
	}
	step := b.c.StrideX * w.pitch
	t := splitTiles{
		row: 2 * step, plane: 2 * b.plane, taps: &taps[0], nTaps: w.KH, steps: w.steps,
		weights: &w.data[panel*w.panelValues()], block: 2 * 2 * splitRows * step,
	}
	for q := 0; q < outputs; q += splitBlocks * 2 * splitRows {
		n := min(outputs-q, splitBlocks*2*splitRows)
		t.ahead = b.w.ahead(panel, (q/(2*splitRows)*w.KH*w.steps)*splitAhead)
		t.sums = &b.kept[0]
		b.tiles(t, b.split[at+q*step:], n)
		b.finish(panel, b.kept, q, n, out, residual)
	}
}

// ahead returns the weights that follow those of a panel, from so many values on, while there are any; else such as
// are in the cache.
func (w *PackedSplit) ahead(panel, values int) *uint16 {
	at := panel * w.panelValues()
	if values < w.panelValues() && panel+1 < w.panels {
		at += w.panelValues() + values
	}
	return &w.data[at]
}

// tiles computes the sums of n outputs whose inputs begin at in.
func (b *splitBand) tiles(t splitTiles, in []uint16, n int) {
	first := unsafe.Pointer(&in[0])
	t.in0, t.in1 = (*uint16)(first), (*uint16)(unsafe.Add(first, splitRows*t.row))
	full := n / (2 * splitRows)
	rest := n % (2 * splitRows)
	if t.blocks = full; rest > splitRows {
		t.blocks, rest = full+1, 0
	}
	if t.blocks > 0 {
		amxTiles(&t)
	}
	if rest > 0 {
		t.in1, t.blocks = nil, 1
		amxTiles(&t)
	}
}

// finish writes a panel of the outputs q … q+n-1 of a line, of which sums begins with the first. Of a flat line those
// between the rows are left out.
func (b *splitBand) finish(panel int, sums []float32, q, n int, out, residual []float32) {
	c := b.c
	first := panel * splitWidth
	pitch := c.Width
	if b.flat {
		pitch = b.rowPixels
	}
	f := splitFinish{
		outStep: 4 * c.OutPixel, lanes: min(splitWidth, b.w.N-first), resStep: 4 * c.ResPixel,
		scale: &allOnes[0], shift: &b.shift[first], floor: b.floor,
	}
	if c.Scale != nil {
		f.scale = &c.Scale[first]
	}
	for i := 0; i < n; {
		y, x := (q+i)/pitch, (q+i)%pitch
		if x >= c.Width {
			i += pitch - x
			continue
		}
		f.rows = min(c.Width-x, n-i)
		f.sums, f.out = &sums[i*splitWidth], &out[y*c.OutRow+x*c.OutPixel+first]
		if residual != nil {
			f.residual = &residual[y*c.ResRow+x*c.ResPixel+first]
		}
		amxFinish(&f)
		i += f.rows
	}
}

// runLong computes a 1×1 window of many channels, a block of channels after the other for all outputs: the weights
// pass through the cache once.
func (b *splitBand) runLong(in, out, residual []float32) {
	c, w := b.c, b.w
	pitch := splitBlockSteps * splitK
	outputs := (b.rows-1)*b.rowPixels + c.Width
	blocks := (outputs + 2*splitRows - 1) / (2 * splitRows)
	var tap splitTap
	t := splitTiles{row: 2 * c.StrideX * pitch, plane: 2 * b.plane, taps: &tap, nTaps: 1, block: 2 * 2 * splitRows * c.StrideX * pitch}
	for step := 0; step < w.steps; step += splitBlockSteps {
		t.steps = min(splitBlockSteps, w.steps-step)
		for r := range b.rows {
			b.convertRow(b.split[r*b.row:], in[r*c.StrideY*c.InRow:], step*splitK, min(pitch, w.C-step*splitK), pitch)
		}
		for p := b.panel0; p < b.panel1; p++ {
			kept := b.kept[(p-b.panel0)*blocks*splitSums:]
			t.weights, t.sums = &w.data[p*w.panelValues()+step*splitStep], &kept[0]
			t.ahead = t.weights
			if p+1 < b.panel1 {
				t.ahead = &w.data[(p+1)*w.panelValues()+step*splitStep]
			}
			b.tiles(t, b.split, outputs)
			if step+splitBlockSteps >= w.steps {
				b.finish(p, kept, 0, outputs, out, residual)
			}
		}
		t.add = 1
	}
	if c.Act > Relu {
		b.activate(out)
	}
}

// activate applies an activation that finish lacks.
func (b *splitBand) activate(out []float32) {
	c := b.c
	first, last := b.panel0*splitWidth, min(b.panel1*splitWidth, b.w.N)
	for y := range b.rows {
		for x := range c.Width {
			b.Activate(out[y*c.OutRow+x*c.OutPixel+first:][:last-first], c.Act)
		}
	}
}

var allOnes = func() (x [splitWidth]float32) {
	for i := range x {
		x[i] = 1
	}
	return x
}()
