package kernels

import "unsafe"

// streams are memory that is wanted after a run and fetched into the second-level cache during it: weights, inputs and
// outputs. The processor's own prefetching does not know what follows a panel of weights or a block of pixels, and
// takes a while to learn it each time.
type streams [3]stream

// stream is memory fetched in steps of so many bytes.
type stream struct {
	at   uintptr // not a pointer, because it may pass the end
	step int     // for every tileChannels channels of a tile
}

const (
	tileChannels = 4 // channels that the loop of a micro-kernel takes at a time (_gen/tile.go)
	lineBytes    = 4 * cacheLine
)

func (s *streams) advance(steps int) {
	for i := range s {
		s[i].at += uintptr(steps * s[i].step)
	}
}

// fetcher finds what is wanted after each run of a block of pixels.
type fetcher struct {
	set            *Set
	conv           *Conv
	panel0, panel1 int
	channels       int // in a block
	pixels         int
	stretch        int       // pixels that follow each other
	last           bool      // this is the last block of pixels
	in, out        []float32 // what the next one reads and writes
}

// next sets what is wanted after this block of pixels: the outputs q0 … q1-1, or what the caller said if there are none.
func (f *fetcher) next(q0, q1 int) {
	c := f.conv
	if f.last = q0 == q1; f.last {
		f.in, f.out = c.NextIn, c.NextOut
		return
	}
	in0, out0, _ := c.locate(q0)
	in1, out1, _ := c.locate(q1 - 1)
	if f.channels == c.W.C {
		f.in = between(c.In, in0, in1+(c.W.KH-1)*c.InRow+(c.W.KW-1)*c.InPixel+c.W.C)
	}
	if f.panel1-f.panel0 == len(c.W.panels) && c.OutPixel <= c.W.N+cacheLine {
		f.out = between(c.Out, out0, out1+c.W.N)
	}
}

// between is x[from:to], nothing if rows or items do not follow each other in memory.
func between(x []float32, from, to int) []float32 {
	if from > to {
		return nil
	}
	return x[from:to]
}

// streams returns the weights that follow panel p of the channels from c0, and this panel's share of the next inputs and
// outputs.
func (f *fetcher) streams(p, c0 int) (s streams) {
	if f.set.tiles == nil {
		return s
	}
	w := f.conv.W
	panels := f.panel1 - f.panel0
	each := min(f.stretch, f.pixels)
	tiles := max(1, f.pixels/each*ceil(each, len(f.set.tiles[w.panels[p].vectors-1])))
	rounds := tiles * max(1, w.KH*w.KW*min(f.channels, w.C-c0)/tileChannels)

	i, n := c0/f.channels*panels+p-f.panel0, ceil(w.C, f.channels)*panels
	s[1] = f.spread(share(f.in, i, n), rounds)
	s[2] = f.spread(share(f.out, i, n), rounds)

	p++
	if p == f.panel1 {
		p, c0 = f.panel0, c0+f.channels
	}
	if c0 >= w.C {
		c0 = 0
	}
	panel := &w.panels[p]
	row := panel.vectors * f.set.lanes
	weights := panel.weights[c0*row:]
	if f.channels < w.C {
		weights = weights[:min(f.channels, w.C-c0)*row]
	}
	s[0] = f.spread(weights, rounds)
	return s
}

// spread fetches x in so many rounds, or nothing if there is none.
func (f *fetcher) spread(x []float32, rounds int) stream {
	if len(x) == 0 {
		x = f.conv.W.panels[0].weights[:1] // some valid address
		return stream{at: uintptr(unsafe.Pointer(&x[0]))}
	}
	return spread(x, rounds)
}

// spread fetches x in so many rounds, or as much of it as two lines each are.
func spread(x []float32, rounds int) stream {
	return stream{uintptr(unsafe.Pointer(unsafe.SliceData(x))), min(ceil(4*len(x), rounds), 2*lineBytes)}
}

// share is part i of n of x.
func share(x []float32, i, n int) []float32 { return x[len(x)*i/n : len(x)*(i+1)/n] }

func ceil(n, d int) int { return (n + d - 1) / d }
