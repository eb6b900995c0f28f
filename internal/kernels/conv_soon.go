package kernels

import "unsafe"

// soon is memory that is wanted after a run and fetched into the second-level cache during it. The processor's own
// prefetching does not know what follows a panel of weights or a block of pixels, and each time takes a while to learn.
type soon struct {
	at   uintptr // not a pointer, because it may pass the end
	step int     // bytes for every tileChannels channels of a tile
}

const (
	tileChannels = 4 // channels that the loop of a micro-kernel takes at a time
	lineBytes    = 4 * cacheLine
)

// fetcher finds what is wanted after each run of a block of pixels.
type fetcher struct {
	set            *Set
	conv           *Conv
	panel0, panel1 int
	channels       int // in a block
	pixels         int
	next           []float32 // what is wanted after this block of pixels
}

// soon returns the weights that follow panel p of the channels from c0, and this panel's share of f.next.
func (f *fetcher) soon(p, c0 int) (weights, memory soon) {
	if f.set.tiles == nil {
		return
	}
	w := f.conv.W
	panels := f.panel1 - f.panel0
	tiles := max(1, f.pixels/len(f.set.tiles[w.panels[p].vectors-1]))
	rounds := tiles * max(1, w.KH*w.KW*min(f.channels, w.C-c0)/tileChannels)

	share, shares := c0/f.channels*panels+p-f.panel0, (w.C+f.channels-1)/f.channels*panels
	memory = f.spread(f.next[len(f.next)*share/shares:len(f.next)*(share+1)/shares], rounds, lineBytes)

	p++
	if p == f.panel1 {
		p, c0 = f.panel0, c0+f.channels
	}
	if c0 >= w.C {
		c0 = 0
		if f.conv.NextW != nil {
			w, p = f.conv.NextW, 0
		}
	}
	panel := &w.panels[p]
	row := panel.vectors * f.set.lanes
	from := panel.weights[c0*row:]
	if f.channels < w.C {
		from = from[:min(f.channels, w.C-c0)*row]
	}
	return f.spread(from, rounds, 2*lineBytes), memory
}

// spread fetches x in so many rounds, or as much of it as most bytes each are.
func (f *fetcher) spread(x []float32, rounds, most int) soon {
	if len(x) == 0 {
		x = f.conv.W.panels[0].weights[:1] // some valid address
		return soon{at: uintptr(unsafe.Pointer(&x[0]))}
	}
	return soon{uintptr(unsafe.Pointer(&x[0])), min((4*len(x)+rounds-1)/rounds, most)}
}

// inputs is the memory of the inputs of outputs q0 … q1-1.
func (c *Conv) inputs(q0, q1 int) []float32 {
	first, _, _ := c.locate(q0)
	last, _, _ := c.locate(q1 - 1)
	return c.In[first : last+(c.W.KH-1)*c.InRow+(c.W.KW-1)*c.InPixel+c.W.C]
}
