package kernels

// ItemsPlan is how the small maps of many items, the features of regions, are computed: a tile is one pixel of 16
// items. No output is computed for nothing, and the part of a window that lies outside the map, a fifth of all products
// for 7×7 outputs of 3×3 windows, is left out.
type ItemsPlan struct {
	w             *PackedSplit
	height, width int // of the inputs
	top, left     int // padding before the first of them
	bands         []itemsBand
	most          int // input rows of a band
}

// ItemsEach is the number of items that are computed together.
const ItemsEach = splitRows

// itemsBand is the output rows row0 … row1-1, whose input rows first … first+rows-1 are split together.
type itemsBand struct {
	row0, row1  int
	first, rows int
	pairs       []pixelPair
}

// pixelPair is two outputs whose windows lie in the map in the same way, or one.
type pixelPair struct {
	at   [2]int // of the first input in the window, in pixels from the band's first
	y, x [2]int
	n    int // one or two
	taps []splitTap
}

const itemsBytes = 1200 << 10 // of split inputs, which stay in the second-level cache with the weights of a panel

// Items plans maps of height × width inputs, padded by top and left pixels before and as much as the window needs
// behind, for windows with stride 1. It returns nil if a pixel has too few channels to be split on its own.
func (w *PackedSplit) Items(height, width, top, left, outHeight, outWidth int) *ItemsPlan {
	if w.pitch%splitK != 0 {
		return nil
	}
	p := &ItemsPlan{w: w, height: height, width: width, top: top, left: left}
	rows := max(1, itemsBytes/(4*splitRows*width*w.pitch)-(w.KH-1))
	for y := 0; y < outHeight; y += rows {
		end := min(y+rows, outHeight)
		band := itemsBand{row0: y, row1: end, first: max(0, y-top)}
		band.rows = min(height, end-1-top+w.KH) - band.first
		p.pair(&band, y, end, outWidth)
		p.bands = append(p.bands, band)
		p.most = max(p.most, band.rows)
	}
	return p
}

// pair finds the pairs of a band's outputs.
func (p *ItemsPlan) pair(band *itemsBand, y0, y1, width int) {
	type window struct{ y0, y1, x0, x1 int } // its part inside the map
	open := map[window]int{}                 // pairs that lack their second output
	taps := map[window][]splitTap{}
	for y := y0; y < y1; y++ {
		for x := range width {
			k := window{
				max(0, p.top-y), min(p.w.KH, p.height+p.top-y),
				max(0, p.left-x), min(p.w.KW, p.width+p.left-x),
			}
			at := (y+k.y0-p.top-band.first)*p.width + x + k.x0 - p.left
			if i, ok := open[k]; ok {
				pair := &band.pairs[i]
				pair.at[1], pair.y[1], pair.x[1], pair.n = at, y, x, 2
				delete(open, k)
				continue
			}
			if taps[k] == nil {
				taps[k] = p.taps(k.y0, k.y1, k.x0, k.x1)
			}
			open[k] = len(band.pairs)
			band.pairs = append(band.pairs, pixelPair{at: [2]int{at}, y: [2]int{y}, x: [2]int{x}, n: 1, taps: taps[k]})
		}
	}
}

func (p *ItemsPlan) taps(y0, y1, x0, x1 int) []splitTap {
	w := p.w
	var taps []splitTap
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			taps = append(taps, splitTap{
				in:      2 * splitRows * w.pitch * ((y-y0)*p.width + x - x0),
				weights: 2 * splitStep * (w.pitch / splitK) * (y*w.KW + x),
			})
		}
	}
	return taps
}

// Bands is the number of bands of output rows, the unit in which work can be split besides items and panels.
func (p *ItemsPlan) Bands() int { return len(p.bands) }

// Rows returns the output rows of a band.
func (p *ItemsPlan) Rows(band int) (row0, row1 int) { return p.bands[band].row0, p.bands[band].row1 }

// Scratch is the number of floats that a call of [Set.SplitItems] needs for itself.
func (p *ItemsPlan) Scratch() int {
	return p.plane() + splitSums + p.w.panels*splitWidth + 4*cacheLine
}

func (p *ItemsPlan) plane() int { return p.most * p.width * splitRows * p.w.pitch }

// SplitItems computes what [Set.Split] computes, with the same bits: a band of [ItemsEach] items from item on.
func (s *Set) SplitItems(c *Conv, p *ItemsPlan, item, band, panel0, panel1 int, scratch []float32) {
	w := p.w
	w.check(s, c, item*c.Height, (item+splitRows)*c.Height, panel0, panel1)
	if c.StrideY != 1 || c.StrideX != 1 {
		panic(otherPlan)
	}
	if panel0 == panel1 {
		return
	}
	if len(scratch) < p.Scratch() {
		panic(shortScratch)
	}
	rows := &p.bands[band]
	for j := range splitRows {
		raceSplit(c, w, (item+j)*c.Height+rows.row0, (item+j)*c.Height+rows.row1, panel0, panel1)
	}
	b := splitBand{Set: s, c: c, w: w, panel0: panel0, panel1: panel1}
	b.place(scratch, splitSums)
	b.plane = p.plane()
	b.rows = rows.row1 - rows.row0
	pixel := splitRows * w.pitch // values
	for r := range rows.rows * splitRows {
		y, j := rows.first+r/splitRows, r%splitRows
		at := (item+j)*c.InItem + (y+p.top)*c.InRow + p.left*c.InPixel
		amxSplit(&b.split[(r/splitRows)*p.width*pixel+j*w.pitch], 2*b.plane, 2*pixel, &c.In[at], 4*c.InPixel, p.width, w.C)
	}
	t := splitTiles{row: 2 * w.pitch, plane: 2 * b.plane, steps: w.pitch / splitK}
	for panel := panel0; panel < panel1; panel++ {
		ahead := 0
		for k := range rows.pairs {
			pair := &rows.pairs[k]
			t.in0, t.in1 = &b.split[pair.at[0]*pixel], nil
			if pair.n == 2 {
				t.in1 = &b.split[pair.at[1]*pixel]
			}
			t.taps, t.nTaps, t.weights, t.sums, t.blocks = &pair.taps[0], len(pair.taps), &w.data[panel*w.panelValues()], &b.kept[0], 1
			t.ahead = w.ahead(panel, ahead)
			ahead += len(pair.taps) * t.steps * splitAhead
			amxTiles(&t)
			for h := range pair.n {
				b.finishItems(panel, b.kept[h*splitRows*splitWidth:], item, pair.y[h], pair.x[h])
			}
		}
	}
	if c.Act > Relu {
		for j := range splitRows {
			b.activate(c.Out[(item+j)*c.OutItem+rows.row0*c.OutRow:])
		}
	}
}

// finishItems writes a panel of one pixel of the items from item on.
func (b *splitBand) finishItems(panel int, sums []float32, item, y, x int) {
	c := b.c
	first := panel * splitWidth
	f := splitFinish{
		sums: &sums[0], rows: splitRows, lanes: min(splitWidth, b.w.N-first),
		out: &c.Out[item*c.OutItem+y*c.OutRow+x*c.OutPixel+first], outStep: 4 * c.OutItem,
		scale: &allOnes[0], shift: &b.shift[first], floor: b.floor,
	}
	if c.Scale != nil {
		f.scale = &c.Scale[first]
	}
	if c.Residual != nil {
		f.residual, f.resStep = &c.Residual[item*c.ResItem+y*c.ResRow+x*c.ResPixel+first], 4*c.ResItem
	}
	amxFinish(&f)
}
