package kernels

// A tileFunc computes tiles × p output pixels of one panel, for the number p of pixels and the number of vectors that
// it was made for; it keeps the sums of p pixels in registers. Distances are in bytes:
//
//	for t := range tiles*p {
//		for each lane n of the panel {
//			acc := bias[n]                                            // out's value if bias is nil
//			for kh := range kh {
//				for kw := range kw {
//					for i := range length {
//						acc += in[t*inPixel + kh*inRow + kw*inTap + 4*i] * weights[...][n] // one row of weights after the other
//					}
//				}
//			}
//			if scale != nil { acc = acc*scale[n] + shift[n] }
//			if residual != nil { acc += residual[t*resPixel + 4*n] }
//			if relu != 0 && acc < 0 { acc = 0 }
//			out[t*outPixel + 4*n] = acc
//		}
//	}
//
// Of the last vector only lanes are read from scale, shift, residual and out, and written. For every tileChannels
// channels it fetches two cache lines from each of next0, next1 and next2, and moves them by their steps of bytes.
type tileFunc func(in *float32, inPixel, inTap, inRow, kh, kw, length int, weights, bias, scale, shift, residual *float32, resPixel int, out *float32, outPixel, lanes, relu, tiles int, next0 uintptr, step0 int, next1 uintptr, step1 int, next2 uintptr, step2 int)

func (s *Set) run(r *run) {
	if s.tiles == nil {
		runGeneric(r)
		return
	}
	// As few tiles as possible, all of them as equal as possible: some are a pixel larger than the others.
	largest := len(s.tiles[r.panel.vectors-1])
	tiles := (r.pixels + largest - 1) / largest
	size, larger := r.pixels/tiles, r.pixels%tiles
	s.tile(r, 0, size+1, larger)
	s.tile(r, larger*(size+1), size, tiles-larger)
}

// tile calls the micro-kernel for tiles times size pixels, starting at pixel first of the run.
func (s *Set) tile(r *run, first, size, tiles int) {
	if tiles == 0 {
		return
	}
	w, p := r.W, r.panel
	taps, length, k := w.KW, w.C, 0
	var bias, scale, shift, residual *float32
	relu := 0
	if r.c0 == 0 {
		bias = &p.bias[0]
	}
	if r.c0 > 0 || r.c1 < w.C { // one block of a 1×1 window
		length, k = r.c1-r.c0, r.c0
	} else if r.InPixel == w.C { // a row of the window is one piece
		taps, length = 1, w.KW*w.C
	}
	if r.c1 == w.C {
		if r.Scale != nil {
			scale, shift = &r.Scale[p.first], &r.Shift[p.first]
		}
		if r.Residual != nil {
			residual = &r.Residual[r.res+first*r.resStep]
		}
		if r.Act == Relu {
			relu = 1
		}
	}
	lanes := p.width - (p.vectors-1)*s.lanes
	fetch := &r.streams
	s.tiles[p.vectors-1][size-1](&r.In[r.in+first*r.inStep+r.c0], 4*r.inStep, 4*r.InPixel, 4*r.InRow, w.KH, taps, length,
		&p.weights[k*p.vectors*s.lanes], bias, scale, shift, residual, 4*r.resStep, &r.Out[r.out+first*r.outStep], 4*r.outStep, lanes, relu, tiles,
		fetch[0].at, fetch[0].step, fetch[1].at, fetch[1].step, fetch[2].at, fetch[2].step)
	fetch.advance(tiles * w.KH * taps * (length / tileChannels))
}
