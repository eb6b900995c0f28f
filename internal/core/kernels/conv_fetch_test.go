package kernels

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// requireStream wants x in so many rounds, or as much as two lines each.
func requireStream(t *testing.T, x []float32, got stream, rounds int) {
	t.Helper()
	require.Equal(t, stream{uintptr(unsafe.Pointer(&x[0])), min((4*len(x)+rounds-1)/rounds, 128)}, got)
}

// After a panel come the next panel's weights, after the last one the first of the next block of channels or pixels. Each
// panel has its share of the next inputs and outputs.
func TestStreams(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		const c, n, pixels = 40, 96, 30
		w := s.Pack(make([]float32, c*n), 1, 1, c, n, nil)
		conv := &Conv{
			W: w, In: make([]float32, 2*pixels*c), InPixel: c, Out: make([]float32, 2*pixels*n), OutPixel: n, Width: 2 * pixels, Height: 1, StrideX: 1, StrideY: 1,
			NextIn: make([]float32, 600), NextOut: make([]float32, 900),
		}
		panels := w.Panels()
		if s.tiles == nil { // plain Go fetches nothing
			f := &fetcher{set: s, conv: conv, panel1: panels, channels: c, pixels: pixels, stretch: pixels}
			require.Zero(t, f.streams(0, 0))
			return
		}
		largest := len(s.tiles[w.panels[0].vectors-1])
		f := &fetcher{set: s, conv: conv, panel1: panels, channels: c, pixels: pixels, stretch: pixels}
		rounds := ceil(pixels, largest) * c / tileChannels

		f.next(pixels, 2*pixels)
		in, out := conv.In[pixels*c:], conv.Out[pixels*n:]
		for p := range panels {
			got := f.streams(p, 0)
			requireStream(t, w.panels[(p+1)%panels].weights, got[0], rounds)
			requireStream(t, in[len(in)*p/panels:len(in)*(p+1)/panels], got[1], rounds)
			requireStream(t, out[len(out)*p/panels:len(out)*(p+1)/panels], got[2], rounds)
		}

		f.next(2*pixels, 2*pixels)
		got := f.streams(panels-1, 0)
		requireStream(t, w.panels[0].weights, got[0], rounds)
		requireStream(t, conv.NextIn[600*(panels-1)/panels:], got[1], rounds)
		requireStream(t, conv.NextOut[900*(panels-1)/panels:], got[2], rounds)
		conv.NextIn = nil
		f.next(2*pixels, 2*pixels)
		got = f.streams(panels-1, 0)
		require.Zero(t, got[1].step)

		// Blocks of channels, and rows of 7 pixels, which take a tile each.
		f.channels, f.stretch = 32, 7
		f.pixels = 7 * 80
		row := w.panels[0].vectors * s.lanes
		requireStream(t, w.panels[0].weights[32*row:], f.streams(panels-1, 0)[0], 80*ceil(7, largest)*32/tileChannels)
		requireStream(t, w.panels[1].weights[32*row:], f.streams(0, 32)[0], 80*ceil(7, largest)*8/tileChannels)
		requireStream(t, w.panels[0].weights[:32*row], f.streams(panels-1, 32)[0], 80*ceil(7, largest)*8/tileChannels)

		got.advance(3)
		require.Equal(t, uintptr(unsafe.Pointer(&w.panels[0].weights[0]))+uintptr(3*got[0].step), got[0].at)
	})
}
